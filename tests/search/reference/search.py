"""A whole search: which resources, in which order, with which others.

https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#search
"""

from dataclasses import dataclass, field

from tests.search.reference import Refused, inside, presentation, queries
from tests.search.reference.criteria import Criteria
from tests.search.reference.references import Identity
from tests.search.reference.results import Include, SortBy
from tests.search.reference.world import World

RESULT = (
    "_count", "_sort", "_total", "_include", "_revinclude", "_summary", "_elements", "_contained",
    "_containedType",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """`Patient?…`, `?_type=…&…`, `Patient/1/Observation?…`, `Patient/1/*?…`"""

    path: str
    parameters: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.path}?{'&'.join(f'{name}={value}' for name, value in self.parameters)}"


@dataclass
class Answer:
    hits: set[Identity]
    sort: list[SortBy] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)  # of types that are here
    has_includes: bool = False  # of any type
    summary: str = ""
    elements: list[str] = field(default_factory=list)


def search(world: World, question: Question, *, generous: bool = False) -> Answer:
    """Raises Refused for what a server has to answer with 400."""
    types, compartment = _place(world, question)
    criteria = Criteria(world, generous=generous)
    meant = types or tuple(sorted(world.definitions.resource_types))
    asked = queries.expanded(world, types, question.parameters)
    found = [(name, value) for name, value in asked if not _is_result(name)]
    for name, value in found:
        criteria.check(meant, name, value)
    answer = Answer(set())
    for name, value in asked:
        _add_result(answer, world, meant, name, value)
    within = {name: value for name, value in asked if name.startswith("_contained")}
    if within.get("_contained", "false") != "false":
        orders = [by.code for by in answer.sort]
        inside.check(world, meant, found, orders, compartment=compartment is not None)
        both, alone = within["_contained"] == "both", within.get("_containedType") == "contained"
        answer.hits = set(inside.hits(criteria, types, found, both=both, alone=alone))
        return answer
    answer.hits = {
        identity
        for identity in world.of_types(types)
        if _is_inside(world, compartment, identity)
        and all(criteria.fits(identity, name, value) for name, value in found)
    }
    return answer


def _add_result(answer: Answer, world: World, types: tuple[str, ...], name: str, value: str) -> None:
    match name.partition(":")[0]:
        case "_sort":
            answer.sort += _sort(world, types, value)
        case "_include" | "_revinclude":
            answer.includes += Include.parse(world, name, value)
            answer.has_includes = True
        case "_summary":
            answer.summary = value
        case "_elements":
            answer.elements += value.split(",")
    presentation.check(world.definitions, types, name, value)
    if answer.summary == "text" and answer.has_includes:
        raise Refused("_summary=text with includes")


def _is_result(name: str) -> bool:
    return name.partition(":")[0] in (*RESULT, "_type")


def _place(world: World, question: Question) -> tuple[tuple[str, ...], Identity | None]:
    """The types that are searched, () for all, and the resource whose compartment is."""
    first, *rest = question.path.split("/")
    compartment = (first, rest[0]) if rest else None
    within = rest[1] if rest else first
    types: tuple[str, ...] = () if within in ("", "*") else (within,)
    if compartment and not types:
        members = world.definitions.compartment(first)
        types = tuple(each for each in members if members[each] or each == first)
    asked = [each for name, value in question.parameters if name == "_type" for each in value.split(",")]
    allowed = types or world.definitions.resource_types
    if not set(asked) <= set(allowed):
        raise Refused("_type")
    return (tuple(dict.fromkeys(asked)) or types), compartment


def _is_inside(world: World, compartment: Identity | None, identity: Identity) -> bool:
    """ "a resource is in the compartment if the indicated search parameter … contains a reference to" it."""
    if compartment is None or identity == compartment:
        return True
    for code in world.definitions.compartment(compartment[0]).get(identity[0], ()):
        parameter = world.parameter(identity[0], code)
        if parameter is not None and compartment in world.referred(identity, parameter):
            return True
    return False


def _sort(world: World, types: tuple[str, ...], text: str) -> list[SortBy]:
    found = SortBy.parse(text)
    for by in found:
        if by.code not in ("_id", "_lastUpdated") and not all(
            world.parameter(each, by.code) for each in types
        ):
            raise Refused(f"_sort={by.code}")
    return found
