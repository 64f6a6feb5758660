"""Whether a resource fits `name=value`: modifiers, chains, reverse chains.

https://hl7.org/fhir/R4/search.html#modifiers, #chaining, #has
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import (
    Refused,
    Unsure,
    dates,
    filters,
    numbers,
    places,
    references,
    strings,
    tokens,
)
from tests.search.reference.grammar import alternatives, parts, plain
from tests.search.reference.references import Identity
from tests.search.reference.world import Typed, World

STEPS = 3  # from resource to resource
VALUES = 1000

_ANY: frozenset[str] = frozenset()
# by parameter type: the FHIR types of which one has to be among those selected; none: any
MODIFIERS = {
    "string": {"exact": _ANY, "contains": _ANY},
    "token": {"not": _ANY, "text": tokens.HAVE_TEXT, "of-type": frozenset(("Identifier",))},
    "uri": {"above": _ANY, "below": _ANY},
    "reference": {"identifier": frozenset(("Reference",))},
}
_OF_RESOURCES = ("_id", "_lastUpdated")
_OF_EVERY_TYPE = ("_filter", "_list")


@dataclass(frozen=True)
class Name:
    """`code:modifier.rest`"""

    code: str
    modifier: str
    rest: str  # of a chain; "": none

    @classmethod
    def parse(cls, text: str) -> "Name":
        head, dot, rest = text.partition(".")
        code, colon, modifier = head.partition(":")
        if (colon and not modifier) or (dot and not rest):
            raise Refused(f"{text!r} is no parameter")
        return cls(code, modifier, rest)


@dataclass(frozen=True)
class Reverse:
    """`_has:Observation:patient:code`"""

    source: str
    reference: str
    rest: str

    @classmethod
    def parse(cls, text: str) -> "Reverse":
        found = text.split(":", 3)
        if len(found) != 4 or not all(found):
            raise Refused(f"{text!r} is no _has")
        return cls(*found[1:])


class Criteria:
    """generous: also what a server may find beyond the specification, names by their sound."""

    def __init__(self, world: World, *, generous: bool = False) -> None:
        self.world = world
        self.generous = generous

    def fits(self, identity: Identity, name: str, value: str) -> bool:
        if name.startswith("_has:"):
            return self._fits_reverse(identity, Reverse.parse(name), value)
        if name == "_filter":
            return filters.fits(self, identity, filters.parse(value))
        if name == "_list":
            return self._is_listed(identity, value)
        if name == "near":
            resource = self.world.resource(identity)
            return any(places.is_near(resource, each) for each in alternatives(value))
        found = Name.parse(name)
        parameter = self._parameter(identity[0], found.code)
        if found.rest:
            return self._fits_chain(identity, parameter, found, value)
        if found.modifier == "missing":
            return self.is_present(identity, parameter) is (value == "false")
        # ":not … Reverse the code matching": resources of which no value fits
        any_fits = any(
            self.fits_one(identity, parameter, found.modifier, each) for each in alternatives(value)
        )
        return any_fits is not (found.modifier == "not")

    def _is_listed(self, identity: Identity, value: str) -> bool:
        """ "all resources that are referred to by the list": _list=42"""
        item = self._parameter("List", "item")
        lists = [("List", plain(each)) for each in alternatives(value)]
        held = [each for each in lists if each in self.world.resources]
        return any(identity in self.world.referred(each, item) for each in held)

    def _parameter(self, resource_type: str, code: str) -> SearchParameter:
        found = self.world.parameter(resource_type, code)
        if found is None or found.type == "special" or found.expression is None:
            raise Refused(f"{resource_type} has no {code}")
        return found

    def _fits_chain(self, identity: Identity, parameter: SearchParameter, name: Name, value: str) -> bool:
        """ "subject:Patient.name": a resource that is referred to, and there, fits the rest."""
        types = self._chained(identity[0], parameter, name)
        there = [each for each in self.world.referred(identity, parameter) if each in self.world.resources]
        return any(
            self.fits(target, name.rest, value)
            for target in there + self.world.contained(identity, parameter)
            if target[0] in types
        )

    def _chained(self, resource_type: str, parameter: SearchParameter, name: Name) -> list[str]:
        types = [name.modifier] if name.modifier else self.world.targets(parameter, resource_type)
        return [each for each in types if self.knows((each,), name.rest)]

    def _fits_reverse(self, identity: Identity, reverse: Reverse, value: str) -> bool:
        """ "_has:Observation:patient:code": some Observation that fits refers here by `patient`."""
        parameter = self._parameter(reverse.source, reverse.reference)
        return any(
            identity in self.world.referred(source, parameter) and self.fits(source, reverse.rest, value)
            for source in self.world.of_types((reverse.source,))
        )

    def fits_one(self, identity: Identity, parameter: SearchParameter, modifier: str, text: str) -> bool:
        if parameter.code == "_id":
            return identity[1].rpartition("#")[2] == plain(text)
        if parameter.type == "composite":
            return self._fits_composite(identity, parameter, text)
        return any(
            self._fits_value(parameter, identity[0], typed, modifier, text)
            for typed in self.world.values(identity, parameter)
        )

    def _fits_value(
        self, parameter: SearchParameter, resource_type: str, typed: Typed, modifier: str, text: str
    ) -> bool:
        world = self.world
        match parameter.type:
            case "string":
                return self._fits_string(parameter, typed, modifier, text)
            case "token" if modifier == "text":
                have = tokens.texts(*typed)
                return any(strings.folded(each).startswith(strings.folded(plain(text))) for each in have)
            case "token" if modifier == "of-type":
                return typed[0] == "Identifier" and tokens.is_of_type(typed[1], text)
            case "token":
                return tokens.matches(*typed, text, world.implied_systems(parameter, resource_type))
            case "uri":
                return tokens.matches_uri(*typed, text, modifier)
            case "date":
                return dates.matches(*typed, text, world.zone, world.now_ms)
            case "number":
                return numbers.matches_number(*typed, text)
            case "quantity":
                return numbers.matches_quantity(*typed, text)
            case "reference":
                return self._fits_reference(parameter, resource_type, typed, modifier, text)
        raise Refused(parameter.type)

    def _fits_string(self, parameter: SearchParameter, typed: Typed, modifier: str, text: str) -> bool:
        sounds = parameter.code == "phonetic" or strings.might_match(*typed, text)
        if self.generous and modifier != "exact" and sounds:
            return True
        return strings.matches(*typed, text, modifier, family=is_family(parameter))

    def _fits_reference(
        self, parameter: SearchParameter, resource_type: str, typed: Typed, modifier: str, text: str
    ) -> bool:
        if modifier == "identifier":
            identifier = typed[1].get("identifier") if typed[0] == "Reference" else None
            return identifier is not None and tokens.matches("Identifier", identifier, text, frozenset())
        targets = self.world.targets(parameter, resource_type)
        return references.matches(*typed, text, self.world.base, targets, modifier)

    def _fits_composite(self, identity: Identity, parameter: SearchParameter, text: str) -> bool:
        """ "a sequence of values … separated by $": all of one and the same element."""
        values = parts(text, "$")
        return any(
            all(
                self._fits_component(component, identity, typed, value)
                for component, value in zip(parameter.components, values, strict=True)
            )
            for typed in self.world.values(identity, parameter)
        )

    def _fits_component(self, component: tuple[str, str], identity: Identity, item: Typed, text: str) -> bool:
        url, expression = component
        definition = self.world.definitions.search_parameter_by_url(url)
        assert definition is not None
        resource = self.world.resource(identity)
        type_name, value = item
        if expression.startswith("%resource."):
            expression, type_name, value = expression.removeprefix("%resource."), identity[0], resource
        found = self.world.select(expression, type_name, value, resource)
        # DocumentReference-relationship names the parameters of its components the wrong way round
        kinds = {"Reference": "reference", "code": "token"} if "relat" in url else {}
        return any(
            self._fits_value(_of_type(definition, kinds.get(typed[0])), identity[0], typed, "", text)
            for typed in found
        )

    def is_present(self, identity: Identity, parameter: SearchParameter) -> bool:
        if parameter.code in _OF_RESOURCES:
            return True
        values = self.world.values(identity, parameter)
        return any(self._has_value(parameter, typed) for typed in values)

    def _has_value(self, parameter: SearchParameter, typed: Typed) -> bool:
        match parameter.type:
            case "string":
                return any(strings.folded(each) for each in strings.texts(*typed))
            case "token":
                return tokens.is_present(*typed)
            case "uri":
                return tokens.is_uri(typed[0])
            case "date":
                return any(True for _ in dates.ranges(*typed, self.world.zone))
            case "number":
                return any(True for _ in numbers.numbers(*typed))
            case "quantity":
                return any(True for _ in numbers.quantities(*typed))
            case "reference":
                identified = typed[0] == "Reference" and tokens.is_present(
                    "Identifier", typed[1].get("identifier", {})
                )
                return references.text_of(*typed) is not None or identified
        raise Refused(parameter.type)

    # What a server has to refuse, whatever resources there are

    def knows(self, types: Sequence[str], name: str) -> bool:
        """ "Servers … unknown parameters": whether the first parameter is one of all the types."""
        code = name.partition(".")[0].partition(":")[0]
        return code in ("_has", *_OF_EVERY_TYPE) or all(self.world.parameter(each, code) for each in types)

    def check(self, types: Sequence[str], name: str, value: str, steps: int = 0) -> None:
        if not self.knows(types, name):
            raise Refused(f"{types} do not know {name}")
        if name.startswith("_has"):
            self._check_reverse(types, Reverse.parse(name), value, steps)
            return
        if name == "_filter":
            filters.check(self, types, filters.parse(value), steps)
            return
        if name in ("_list", "near"):
            for alternative in alternatives(value):
                self._check_special(name, alternative)
            return
        found = Name.parse(name)
        for each in types:
            self._check_name(each, found, value, steps)

    def _check_special(self, name: str, text: str) -> None:
        if name == "near":
            places.wanted(text)
        elif not references.is_id(plain(text)):
            raise Refused(f"{text!r} is no id of a List")

    def _check_name(self, resource_type: str, name: Name, value: str, steps: int) -> None:
        parameter = self._parameter(resource_type, name.code)
        if name.modifier and parameter.type == "reference":
            self._check_type(resource_type, parameter, name)
        if name.rest:
            self._check_chain(resource_type, parameter, name, value, steps)
            return
        if name.modifier == "missing":
            if value not in ("true", "false") or parameter.type == "composite":
                raise Refused("missing")
            return
        if not self._has_modifier(parameter, resource_type, name.modifier):
            raise Refused(f"{parameter.type} has no :{name.modifier}")
        found = alternatives(value)
        if len(found) > VALUES:
            raise Refused("too many values")
        for each in found:
            self.check_value(parameter, name.modifier, each)

    def _check_type(self, resource_type: str, parameter: SearchParameter, name: Name) -> None:
        if name.modifier in ("missing", "identifier") and not name.rest:
            return
        if name.modifier not in self.world.targets(parameter, resource_type):
            raise Refused(f"{parameter.code} does not refer to {name.modifier}")

    def _has_modifier(self, parameter: SearchParameter, resource_type: str, modifier: str) -> bool:
        if parameter.type == "reference" and modifier in self.world.definitions.resource_types:
            return True
        if not modifier or modifier not in MODIFIERS.get(parameter.type, {}):
            return not modifier
        needed = MODIFIERS[parameter.type][modifier]
        have = self.world.types(parameter, resource_type)
        if have is None and needed:
            raise Unsure
        return not needed or not needed.isdisjoint(have or ())

    def _check_chain(
        self, resource_type: str, parameter: SearchParameter, name: Name, value: str, steps: int
    ) -> None:
        types = self._chained(resource_type, parameter, name) if parameter.type == "reference" else []
        if not types or steps >= STEPS:
            raise Refused(f"{parameter.code} does not chain to {name.rest}")
        for each in types:
            self.check((each,), name.rest, value, steps + 1)

    def _check_reverse(self, types: Sequence[str], reverse: Reverse, value: str, steps: int) -> None:
        if reverse.source not in self.world.definitions.resource_types or steps >= STEPS:
            raise Refused(f"no _has from {reverse.source}")
        parameter = self._parameter(reverse.source, reverse.reference)
        if parameter.type != "reference" or set(types).isdisjoint(
            self.world.targets(parameter, reverse.source)
        ):
            raise Refused(f"{reverse.reference} of {reverse.source} does not refer to {types}")
        self.check((reverse.source,), reverse.rest, value, steps + 1)

    def _check_token(self, parameter: SearchParameter, modifier: str, text: str) -> None:
        match modifier:
            case "text":
                strings.require(text)
            case "of-type":
                tokens.typed(text)
            case "above" | "below":
                tokens.require_steps(plain(text))
            case _ if parameter.type == "token" and parameter.code != "_id":
                tokens.wanted(text)

    def check_value(self, parameter: SearchParameter, modifier: str, text: str) -> None:
        zone, now_ms = self.world.zone, self.world.now_ms
        match parameter.type:
            case "string":
                strings.require(text)
            case "token" | "uri":
                self._check_token(parameter, modifier, text)
            case "date":
                dates.wanted(text, zone, now_ms)
            case "number":
                numbers.wanted(plain(text))
            case "quantity":
                numbers.quantity(text)
            case "reference" if modifier == "identifier":
                tokens.wanted(text)
            case "reference":
                references.matches("Reference", {}, text, self.world.base, (), modifier)
            case "composite":
                self._check_composite(parameter, text)

    def _check_composite(self, parameter: SearchParameter, text: str) -> None:
        values = parts(text, "$")
        if len(values) != len(parameter.components) or not all(values):
            raise Refused(f"{text!r} has another number of parts")
        for (url, _), value in zip(parameter.components, values, strict=True):
            definition = self.world.definitions.search_parameter_by_url(url)
            assert definition is not None
            if "relat" not in url:
                self.check_value(definition, "", value)


def is_family(parameter: SearchParameter) -> bool:
    return all(branch.endswith(".family") for branch in (parameter.expression or "").split(" | "))


def _of_type(parameter: SearchParameter, type_name: str | None) -> SearchParameter:
    return parameter if type_name is None else structs.replace(parameter, type=type_name)
