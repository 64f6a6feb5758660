"""One walk over a resource, for what definitions outside its type say: extensions, codes, other bindings.

https://hl7.org/fhir/R4/extensibility.html, https://hl7.org/fhir/R4/terminologies.html#strength

Compiled by type, along the properties that can hold such; what is known to be fine is passed over while
walking, and a path becomes text only where somebody asks for it.
"""

from collections.abc import Callable, KeysView
from functools import cache
from typing import Any, NamedTuple

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Binding, Element
from fhir_server.resource import Resource
from fhir_server.validation.profile.occurrence import step

QUANTITIES = frozenset(("Quantity", "Age", "Count", "Distance", "Duration"))
_CODED = frozenset(("Coding", *QUANTITIES))
_BOUND = frozenset(("CodeableConcept", "Coding", "code", "string", "uri", *QUANTITIES))
_LOOKED_AT = frozenset(("extensible", "preferred"))
_PLAIN = frozenset(("system", "version", "code", "display", "userSelected", "value", "unit", "comparator"))
"""Properties of codings and quantities that hold nothing."""
_CONCEPT = frozenset(("coding", "text"))


class Step(NamedTuple):
    """From a value to its element `name`."""

    name: str
    suffix: str  # as in FHIRPath
    type: str
    binding: Binding | None  # None: there is none that is looked at


class Trail(NamedTuple):
    """How a walk came to a value."""

    before: "Trail | None"  # None: the value is the resource
    step: Step
    place: int | None  # in the array; None: there is none
    holder: dict[str, Any]  # what it is an element of

    def path(self, at: str) -> str:
        """`at`: the path of the resource."""
        start = at if self.before is None else self.before.path(at)
        return start + self.step.suffix if self.place is None else f"{start}{self.step.suffix}[{self.place}]"


class Coded(NamedTuple):
    system: str
    code: str
    trail: Trail


class Bound(NamedTuple):
    """A value of an element with a binding of the base specification that is not required."""

    binding: Binding
    type: str
    value: Any
    trail: Trail


class Survey:
    """What is found in one resource, and not in those within it.

    fine: (system, code) and (value set, system, code) to pass over.
    """

    __slots__ = ("bound", "codes", "extensions", "fine")

    def __init__(self, fine: set[Any]) -> None:
        self.fine = fine
        self.codes: list[Coded] = []
        self.bound: list[Bound] = []
        self.extensions: list[Trail] = []  # to those with a definition of their own


_Walk = Callable[[Any, Trail | None, Step, int | None, dict[str, Any], Survey], None]
"""(value, then what makes its `Trail`, survey): the trail is made only where somebody keeps it."""


class _Property(NamedTuple):
    step: Step
    walk: _Walk
    looked_at: KeysView[str] | None  # of an object: a value without any of these is passed over; None: never


class Walks:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._tables: dict[str, dict[str, _Property]] = {}

    def survey(self, resource: Resource, fine: set[Any]) -> Survey:
        found = Survey(fine)
        _each(self._table(str(resource["resourceType"])).get, resource, None, found)
        return found

    def _table(self, type_name: str) -> dict[str, _Property]:
        found = self._tables.get(type_name)
        if found is None:
            # there before it is filled: types refer to themselves
            found = self._tables[type_name] = {}
            for name, (element, each) in self._definitions.type(type_name).properties.items():
                made = Step(element.name, step("", element.name), each, _binding(element, each))
                primitive = self._definitions.type(each).kind == "primitive"
                if primitive:
                    found[f"_{name}"] = _Property(made, self._fields("Element"), None)
                if (walk := self._walk(type_name, made, primitive)) is not None:
                    always = primitive or made.binding is not None or each in ("Extension", *_CODED)
                    found[name] = _Property(made, walk, None if always else self._table(each).keys())
        return found

    def _walk(self, holder: str, made: Step, primitive: bool) -> _Walk | None:
        if made.type == "Extension":
            return self._extension(is_part=holder == "Extension")
        if made.type == "Resource":
            return None
        inner = None if primitive else self._inner(made.type)
        return inner if made.binding is None else _bound(made.binding, made.type, inner)

    def _inner(self, type_name: str) -> _Walk:
        if type_name == "CodeableConcept":
            return self._concept()
        return self._coded(type_name) if type_name in _CODED else self._fields(type_name)

    def _fields(self, type_name: str) -> _Walk:
        get = self._table(type_name).get

        def fields(
            value: Any,
            before: Trail | None,
            made: Step,
            place: int | None,
            holder: dict[str, Any],
            survey: Survey,
        ) -> None:
            _each(get, value, Trail(before, made, place, holder), survey)

        return fields

    def _extension(self, *, is_part: bool) -> _Walk:
        get = self._table("Extension").get

        def extension(
            value: Any,
            before: Trail | None,
            made: Step,
            place: int | None,
            holder: dict[str, Any],
            survey: Survey,
        ) -> None:
            trail = Trail(before, made, place, holder)
            # parts of an extension have a plain name; its own definition describes them
            if not is_part or ":" in value.get("url", ""):
                survey.extensions.append(trail)
            _each(get, value, trail, survey)

        return extension

    def _concept(self) -> _Walk:
        """Most concepts are codings and a text, and most of their codes are fine."""
        fields = self._fields("CodeableConcept")

        def concept(
            value: Any,
            before: Trail | None,
            made: Step,
            place: int | None,
            holder: dict[str, Any],
            survey: Survey,
        ) -> None:
            if _CONCEPT.issuperset(value):
                fine = survey.fine
                for one in value.get("coding", ()):
                    if (one.get("system"), one.get("code")) not in fine or not _PLAIN.issuperset(one):
                        break
                else:
                    return
            fields(value, before, made, place, holder, survey)

        return concept

    def _coded(self, type_name: str) -> _Walk:
        fields = self._fields(type_name)

        def coded(
            value: Any,
            before: Trail | None,
            made: Step,
            place: int | None,
            holder: dict[str, Any],
            survey: Survey,
        ) -> None:
            system, code = value.get("system"), value.get("code")
            if system is not None and code is not None and (system, code) not in survey.fine:
                survey.codes.append(Coded(system, code, Trail(before, made, place, holder)))
            if not _PLAIN.issuperset(value):
                fields(value, before, made, place, holder, survey)

        return coded


def _each(
    get: Callable[[str], _Property | None], value: dict[str, Any], trail: Trail | None, survey: Survey
) -> None:
    """trail: to `value`"""
    for name, child in value.items():
        found = get(name)
        if found is None:
            continue
        made, walk, looked_at = found
        if type(child) is not list:
            if looked_at is None or not looked_at.isdisjoint(child):
                walk(child, trail, made, None, value, survey)
            continue
        for index, one in enumerate(child):
            if one is not None and (looked_at is None or not looked_at.isdisjoint(one)):
                walk(one, trail, made, index, value, survey)


def _bound(binding: Binding, type_name: str, inner: _Walk | None) -> _Walk:
    value_set, is_concept = binding.value_set, type_name == "CodeableConcept"

    def bound(
        value: Any,
        before: Trail | None,
        made: Step,
        place: int | None,
        holder: dict[str, Any],
        survey: Survey,
    ) -> None:
        fine = survey.fine
        for one in value.get("coding", ()) if is_concept else (value,):
            if type(one) is dict:
                if (value_set, one.get("system", ""), one.get("code")) in fine:
                    break
            elif (value_set, None, one) in fine:
                break
        else:
            survey.bound.append(Bound(binding, type_name, value, Trail(before, made, place, holder)))
        if inner is not None:
            inner(value, before, made, place, holder, survey)

    return bound


@cache
def walks(definitions: Definitions) -> Walks:
    return Walks(definitions)


def _binding(element: Element, type_name: str) -> Binding | None:
    found = element.binding
    if found is None or found.value_set is None or found.strength not in _LOOKED_AT:
        return None
    return found if type_name in _BOUND else None
