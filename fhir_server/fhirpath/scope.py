"""What a run knows besides the item at which it starts."""

from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from fhir_server.fhirpath.errors import FhirPathError

Resolve = Callable[[str], dict[str, Any] | None]
"""The resource that a reference's text names; None: it is not found."""

MemberOf = Callable[[str, Any, str], bool | None]
"""Whether (type name, code, Coding or CodeableConcept) is in the value set; None: that cannot be decided."""

ConformsTo = Callable[[dict[str, Any], str], bool]
"""Whether a resource or element conforms to the profile with this canonical."""

Subsumes = Callable[[Any, Any], bool | None]
"""Whether the first Coding or CodeableConcept subsumes the second; None: that cannot be decided."""

Slice = Callable[[list[Any], str, str], list[Any]]
"""Of the values of an element those in the slice (canonical of the profile, name of the slice)."""

ElementDefinition = Callable[[str], dict[str, Any] | None]
"""The ElementDefinition of a path such as `Patient.contact`; None: there is none."""

Trace = Callable[[str, list[Any]], None]
"""Takes the name and the items, each with its type (`Item`), of a trace()."""

ITEM_LIMIT = 3_000_000
"""Items that one run may visit in criteria that are not simple; 64 characters of a new string are one."""

TIME_LIMIT_S = 5.0
"""What such a run may take, for what counting does not see."""

SIZE_LIMIT = 100_000
"""Items of a collection that an expression may build."""

TEXT_LIMIT = 1_000_000
"""Characters of a string that an expression may build."""

_NO_VARIABLES: Mapping[str, Any] = {}


class Scope:
    """Made once per run, or once per resource for many expressions; its resource never changes.

    Not a dataclass: attributes that are not given stay on the class, and making one costs half.
    """

    index: int | None = None  # $index; None: outside of a function that sets it
    total: list[Any] | None = None  # $total, likewise
    context: Any = None  # %context, the item where the run starts; set by the expression
    trace: Trace | None = None
    subsumes: Subsumes | None = None
    slice: Slice | None = None
    element_definition: ElementDefinition | None = None
    defined: Mapping[str, list[Any]] = _NO_VARIABLES  # by defineVariable(), never changed in place
    instant: datetime | None = None  # of now(); None: not asked yet
    located: Any = None  # `Located` (paths.py): where the items stand; None: nobody asked
    visited = 0
    deadline: float | None = None  # None: nothing was visited yet

    def __init__(
        self,
        resource: Any = None,
        root: Any = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
        member_of: MemberOf | None = None,
        conforms_to: ConformsTo | None = None,
    ) -> None:
        self.resource = resource  # %resource, the resource that holds the item
        self.root = root  # %rootResource: the one that contains %resource; None: %resource itself
        self.variables = variables or _NO_VARIABLES
        self.resolve = resolve
        self.member_of = member_of
        self.conforms_to = conforms_to
        self.memo: dict[Any, Any] = {}  # results that hang on nothing but the resource

    def within(self, located: Any) -> "Scope":
        """The same for a run on the copies of a `Located`; what is traced are the originals again."""
        found = copy(self)
        found.located, found.memo = located, {}
        found.resource, found.root = located.adopt(self.resource), located.adopt(self.root)
        found.variables = {name: located.adopt(value) for name, value in self.variables.items()}
        resolve, conforms_to, trace = self.resolve, self.conforms_to, self.trace
        if resolve is not None:
            found.resolve = lambda reference: located.adopt(resolve(reference))
        if conforms_to is not None:
            found.conforms_to = lambda value, profile: conforms_to(located.original(value), profile)
        if trace is not None:
            found.trace = lambda name, items: trace(name, [located.original_item(item) for item in items])
        return found

    def now(self) -> datetime:
        """The same instant for the whole run (https://hl7.org/fhirpath/N1/#current-date-and-time-functions)."""
        if self.instant is None:
            self.instant = datetime.now(UTC)
        return self.instant

    def visit(self, count: int, at: int) -> None:
        self.visited += count
        if self.visited > ITEM_LIMIT:
            raise FhirPathError(f"too costly: more than {ITEM_LIMIT} items were visited", at, costly=True)
        now = monotonic()
        if self.deadline is None:
            self.deadline = now + TIME_LIMIT_S
        elif now > self.deadline:
            raise FhirPathError(f"too costly: takes more than {TIME_LIMIT_S} s", at, costly=True)

    def build(self, length: int, at: int) -> None:
        """Before a string of `length` characters is made."""
        if length > TEXT_LIMIT:
            raise FhirPathError(f"too costly: a string of more than {TEXT_LIMIT} characters", at, costly=True)
        if length >= 64:
            self.visit(length // 64, at)


def limit_size(size: int, at: int) -> None:
    if size > SIZE_LIMIT:
        raise FhirPathError(f"too costly: a collection of more than {SIZE_LIMIT} items", at, costly=True)
