"""Search strings compiled to the algebra.

https://hl7.org/fhir/R4/search.html

Strict by default: what is not understood is an error. Lenient on request: unknown parameters and bad values
are left out, said so in a warning, and missing from the self link. Unknown modifiers, sorts, includes and
chains are errors either way, because what they ask for is known to be something else than what would come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import FhirError, Issue, bad_value, invalid, not_supported, too_costly
from fhir_server.search import contained, near, result
from fhir_server.search.column import Scope
from fhir_server.search.combine import all_of, any_of
from fhir_server.search.filter import Filters, code_of
from fhir_server.search.named_query import QUERY
from fhir_server.search.options import DEFAULTS, Options
from fhir_server.search.order import natural
from fhir_server.search.result import Include, Summary, Total
from fhir_server.search.sort import sort_keys
from fhir_server.search.terms import Terms, required
from fhir_server.store.algebra import Everything, IdIn, Node, Nothing, OfType, SortKey
from fhir_server.suggestion import choices

Parameters = Sequence[tuple[str, str]]

CURSOR = "_cursor"
PRESENTATION = frozenset(("_format", "_pretty"))
"""They are about HTTP; search keeps them in its links and leaves them alone otherwise."""

EVERYTHING = Everything()
_RESULT = frozenset(
    ("_count", "_sort", "_total", "_include", "_revinclude", "_summary", "_elements", "_contained",
     "_containedType", "_score", "_explain", CURSOR)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compartment:
    """`/Patient/1/Observation`"""

    code: str
    id: str


@dataclass(frozen=True, slots=True)
class Inside:
    """`_contained`: contained resources are searched, and found by what contains them."""

    resource_types: tuple[str, ...]  # of the contained resources; (): of any type
    containers: Node  # what contains one that fits
    itself: Node  # resources that fit themselves; Nothing: they are not wanted
    alone: bool  # the contained resources are the hits, not what contains them


@dataclass(slots=True)
class Search:
    """What the parameters of one request ask for; filled in while they are read, and not after."""

    resource_types: tuple[str, ...]  # (): every type
    where: Node = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    areas: tuple[near.Area, ...] = ()  # hits tell how far they are from these
    count: int = DEFAULTS.page_size  # resources a page; 0: the total only
    total: Total | None = None  # None: not asked for
    includes: tuple[Include, ...] = ()
    inside: Inside | None = None  # None: contained resources are not searched
    summary: Summary | None = None
    elements: tuple[str, ...] = ()
    explain: bool = False  # say how the store runs it
    cursor: str | None = None  # None: the first page
    used: tuple[tuple[str, str], ...] = ()  # parameters that count, for links; without the cursor
    issues: tuple[Issue, ...] = ()  # what was left out


def compile_search(  # noqa: PLR0913
    definitions: Definitions,
    resource_types: Sequence[str],
    parameters: Parameters,
    *,
    base_url: str,
    now_ms: int,
    strict: bool = True,
    compartment: Compartment | None = None,
    options: Options = DEFAULTS,
    terms: Terms | None = None,
) -> Search:
    """What `parameters` ask for among `resource_types`, or among all types that there are (empty).

    Raises 400 with what is not understood and the nearest that would be. What `terms` lacks stands in it
    afterwards: then the search must be compiled again, not run. None: what has to be looked up is refused.
    """
    scope = Scope(options.zone, (base_url.rstrip("/"),), now_ms, definitions.resource_types, terms)
    reading = _Reading(
        definitions, tuple(resource_types), Filters(definitions, scope, options), options, strict
    )
    return reading.read(parameters, compartment)


def criteria(  # noqa: PLR0913
    definitions: Definitions,
    resource_type: str,
    given: str | Parameters,
    base_url: str,
    *,
    now_ms: int = 0,
    options: Options = DEFAULTS,
    terms: Terms | None = None,
) -> Node:
    """The criteria of a conditional interaction: `identifier=sys|1&active=true`.

    https://hl7.org/fhir/R4/http.html#ccreate

    No condition is ever dropped: anything that is not a search parameter of the type is an error, and so is
    an absence of criteria, which would fit every resource. `terms`: as for `compile_search`.
    """
    found = _parsed(given, resource_type) if isinstance(given, str) else given
    if not found:
        raise invalid("the criteria are empty")
    for name, value in found:
        if name in _RESULT or name in PRESENTATION or code_of(name) in _RESULT:
            raise not_supported(f"{name!r} cannot be a criterion of a conditional interaction")
        if not value:
            raise bad_value(f"the criterion {name!r} has no value")
    scope = Scope(options.zone, (base_url.rstrip("/"),), now_ms, definitions.resource_types, terms)
    filters = Filters(definitions, scope, options)
    _require_few(found, options)
    nodes = []
    for name, value in found:
        if not filters.known((resource_type,), name):
            raise filters.unknown((resource_type,), name)
        nodes.append(filters.node((resource_type,), name, value))
    return all_of(nodes)


def _parsed(text: str, resource_type: str) -> Parameters:
    """`identifier=1&active=true`, also with `?` or `Patient?` before it; raises 400 for a URL."""
    from urllib.parse import unquote_plus

    before, mark, after = text.strip().partition("?")
    if mark and "=" not in before:
        if before not in ("", resource_type):
            raise invalid(f"{before!r} before the criteria; they are the parameters of a search and no URL")
        text = after
    pairs = [part.partition("=") for part in text.strip().split("&") if part]
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def _require_few(parameters: Parameters, options: Options) -> None:
    if len(parameters) > options.parameters:
        raise too_costly(f"{len(parameters)} parameters, at most {options.parameters} are allowed")


class _Reading:
    """The parameters of one request, read one by one into a Search."""

    def __init__(
        self,
        definitions: Definitions,
        resource_types: tuple[str, ...],
        filters: Filters,
        options: Options,
        strict: bool,
    ) -> None:
        self._definitions = definitions
        self._filters = filters
        self._options = options
        self._strict = strict
        self._search = Search(resource_types, count=options.page_size)
        self._contained: result.Contained = "false"
        self._contained_type: result.ContainedType = "container"
        self._nodes: list[Node] = []
        self._searched: list[str] = []  # names of the parameters that the nodes are of
        self._used: list[tuple[str, str]] = []
        self._issues: list[Issue] = []

    def read(self, parameters: Parameters, compartment: Compartment | None) -> Search:
        _require_few(parameters, self._options)
        rest = self._types(parameters, compartment)
        if compartment is not None:
            self._nodes.append(self._in_compartment(compartment))
        if self._search.resource_types == (near.RESOURCE_TYPE,):
            self._search.areas = near.areas(rest)
        for name, value in self._named(rest):
            self._one(name, value)
        self._check_together()
        where = all_of(self._nodes)
        if self._contained != "false":
            if compartment is not None:
                raise not_supported("_contained cannot be combined with a compartment")
            where = self._inside(where)
        found = self._search
        found.where, found.sort = where, found.sort or natural(where)
        found.used, found.issues = tuple(self._used), tuple(self._issues)
        return found

    def _inside(self, where: Node) -> Node:
        """What contains resources that fit; with `both`, those that fit themselves too."""
        search = self._search
        for name in self._searched:
            self._filters.require_core(self._types_meant, name)
        if not {"id", "updated"}.issuperset(key.kind for key in search.sort):
            raise not_supported("_contained can be sorted by _id and _lastUpdated, those of the container")
        itself: Node = Nothing()
        if self._contained == "both":
            itself = all_of((OfType(search.resource_types), where)) if search.resource_types else where
        found = Inside(
            search.resource_types,
            contained.containers(search.resource_types, where),
            itself,
            self._contained_type == "contained",
        )
        search.resource_types, search.inside = (), found
        return any_of((itself, found.containers))

    @property
    def _types_meant(self) -> tuple[str, ...]:
        """The types whose parameters can be used; for a search over all types those of every resource."""
        return self._search.resource_types or tuple(sorted(self._definitions.resource_types))

    def _types(self, parameters: Parameters, compartment: Compartment | None) -> list[tuple[str, str]]:
        """Take `_type` out, which says what the other parameters mean.

        https://hl7.org/fhir/R4/search.html#type
        """
        asked = [value for name, value in parameters if name == "_type"]
        allowed = self._search.resource_types
        if asked:
            types = [each for value in asked for each in value.split(",")]
            known = allowed or self._definitions.resource_types
            for each in types:
                if each not in known:
                    raise bad_value(f"_type names {each!r}, which is not a type here{choices(each, known)}")
            self._search.resource_types = tuple(dict.fromkeys(types))
            self._used += [("_type", value) for value in asked]
        elif compartment is not None and not allowed:
            self._search.resource_types = self._compartment_types(compartment)
        return [(name, value) for name, value in parameters if name != "_type"]

    def _compartment_types(self, compartment: Compartment) -> tuple[str, ...]:
        members = self._definitions.compartment(compartment.code)
        return tuple(each for each in members if members[each] or each == compartment.code)

    def _in_compartment(self, compartment: Compartment) -> Node:
        code, id_ = compartment.code, compartment.id
        found = [self._filters.in_compartment(code, id_, each) for each in self._types_meant]
        if code in self._types_meant:
            found.append(IdIn((id_,), code))  # a compartment holds the resource that it is named by
        return any_of(found)

    def _named(self, parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Take `_query` and its parameters out; the others narrow what it finds.

        https://hl7.org/fhir/R4/search.html#query
        """
        asked = [(name, value) for name, value in parameters if code_of(name) == QUERY]
        if not asked:
            return parameters
        if len(asked) > 1 or asked[0][0] != QUERY or not asked[0][1]:
            raise not_supported(f"a search has one {QUERY}, the name of a query, without modifiers")
        found = required(self._filters.terms, QUERY).query(self._search.resource_types, asked[0][1])
        if found is None:
            return []  # the search will be compiled again
        own = [(name, value) for name, value in parameters if name in found.names]
        for name, value in found.expanded(own):
            if not self._filters.known(self._types_meant, name):
                raise self._filters.unknown(self._types_meant, name)
            self._add(name, value)
        self._used += [*asked, *own]
        return [each for each in parameters if each not in asked and each not in own]

    def _one(self, name: str, value: str) -> None:
        code = code_of(name)
        try:
            if code in _RESULT:
                value = self._result(code, name, value)
            elif code not in PRESENTATION:
                if not self._filters.known(self._types_meant, name):
                    self._leave_out(self._filters.unknown(self._types_meant, name))
                    return
                self._add(name, value)
        except FhirError as error:
            if any(issue.code != "value" for issue in error.issues):
                raise
            self._leave_out(error)
            return
        if code != CURSOR:
            self._used.append((name, value))

    def _add(self, name: str, value: str) -> None:
        self._nodes.append(self._filters.node(self._types_meant, name, value))
        self._searched.append(name)

    def _leave_out(self, error: FhirError) -> None:
        """Raise `error`, or only warn of it when the client asked for leniency."""
        if self._strict:
            raise error
        self._issues += [issue._replace(severity="warning") for issue in error.issues]

    def _result(self, code: str, name: str, value: str) -> str:
        """Take a result parameter in; returns its value as the links show it."""
        search, types = self._search, self._types_meant
        if ":" in name and code not in ("_include", "_revinclude"):
            raise not_supported(f"{code} has no modifiers")
        match code:
            case "_count":
                search.count = result.page_size(value, self._options.page_size_limit)
                value = str(search.count)
            case "_sort":
                search.sort += sort_keys(value, types, self._filters, search.areas)
            case "_total":
                search.total = result.total(value)
            case "_summary":
                search.summary = result.summary(value)
            case "_elements":
                search.elements += result.elements(value, types, self._definitions)
            case "_include" | "_revinclude":
                search.includes += (result.include(name, value, self._filters, self._definitions),)
            case "_explain":
                search.explain = result.explain(value)
            case "_cursor":
                search.cursor = value
            case _:
                self._containment(code, value)
        return value

    def _containment(self, code: str, value: str) -> None:
        match code:
            case "_contained":
                self._contained = result.contained(value)
            case "_containedType":
                self._contained_type = result.contained_type(value)
            case _:
                raise not_supported(f"{code} is not supported by this server")

    def _check_together(self) -> None:
        if self._search.summary == "text" and self._search.includes:
            raise not_supported("_include and _revinclude cannot be combined with _summary=text")
