"""A whole search: which resources, in which order, with which others.

https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html#search
"""

from dataclasses import dataclass, field

from tests.search.reference import Refused
from tests.search.reference.criteria import Criteria
from tests.search.reference.references import Identity
from tests.search.reference.results import Include, SortBy
from tests.search.reference.world import World

RESULT = ("_count", "_sort", "_total", "_include", "_revinclude", "_summary", "_elements")


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
    includes: list[Include] = field(default_factory=list)


def search(world: World, question: Question, *, generous: bool = False) -> Answer:
    """Raises Refused for what a server has to answer with 400."""
    types, compartment = _place(world, question)
    criteria = Criteria(world, generous=generous)
    meant = types or tuple(sorted(world.definitions.resource_types))
    found = [(name, value) for name, value in question.parameters if not _is_result(name)]
    for name, value in found:
        criteria.check(meant, name, value)
    answer = Answer(
        {
            identity
            for identity in world.of_types(types)
            if _is_inside(world, compartment, identity)
            and all(criteria.fits(identity, name, value) for name, value in found)
        }
    )
    for name, value in question.parameters:
        if name == "_sort":
            answer.sort += _sort(world, meant, value)
        elif name.startswith(("_include", "_revinclude")):
            answer.includes += Include.parse(world, name, value)
    return answer


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
