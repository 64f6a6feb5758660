"""What a server has to refuse, whatever resources there are: parameters, modifiers and values that are none.

https://hl7.org/fhir/R4/search.html#errors
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import (
    Refused,
    Unsure,
    dates,
    filters,
    full_text,
    hierarchies,
    numbers,
    places,
    references,
    strings,
    terminology,
    tokens,
)
from tests.search.reference.grammar import alternatives, parts, plain
from tests.search.reference.world import World

STEPS = 3  # from resource to resource
VALUES = 1000

_ANY: frozenset[str] = frozenset()
# by parameter type: the FHIR types of which one has to be among those selected; none: any
MODIFIERS = {
    "string": {"exact": _ANY, "contains": _ANY},
    "token": {
        "not": _ANY,
        "text": tokens.HAVE_TEXT,
        "of-type": frozenset(("Identifier",)),
        **dict.fromkeys(terminology.MODIFIERS, frozenset(("CodeableConcept", "Coding", "code"))),
    },
    "uri": {"above": _ANY, "below": _ANY},
    "reference": {"identifier": frozenset(("Reference",)), **dict.fromkeys(hierarchies.MODIFIERS, _ANY)},
}
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


class Known:
    """The questions that can be asked of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def knows(self, types: Sequence[str], name: str) -> bool:
        """ "Servers … unknown parameters": whether the first parameter is one of all the types."""
        code = name.partition(".")[0].partition(":")[0]
        return code in ("_has", *_OF_EVERY_TYPE) or (any if code == "_text" else all)(
            self.world.parameter(each, code) for each in types
        )

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
        if name.startswith(full_text.PARAMETERS):
            if name not in full_text.PARAMETERS:
                raise Refused(f"{name} has no modifiers")
            for alternative in alternatives(value):
                full_text.parse(plain(alternative))
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
            if parameter.type == "reference" and name.modifier in hierarchies.MODIFIERS:
                hierarchies.check(self.world, parameter, resource_type, each)
            self.check_value(parameter, name.modifier, each)

    def _check_type(self, resource_type: str, parameter: SearchParameter, name: Name) -> None:
        if name.modifier in ("missing", "identifier", *hierarchies.MODIFIERS) and not name.rest:
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
        if modifier in terminology.MODIFIERS and (have or frozenset()) <= {"code"}:
            return self._has_meaning(parameter, resource_type, modifier)
        return not needed or not needed.isdisjoint(have or ())

    def _has_meaning(self, parameter: SearchParameter, resource_type: str, modifier: str) -> bool:
        """Whether codes without a system written beside them are of one; MIME types are of none."""
        has_system = bool(self.world.implied_systems(parameter, resource_type))
        if modifier == "below" and not has_system:
            raise Unsure  # MIME types know it, as types with any parameters
        return has_system

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
            case _ if parameter.type == "token" and modifier in terminology.MODIFIERS:
                terminology.meant(self.world, modifier, text)
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
            case "reference" if modifier in hierarchies.MODIFIERS:
                pass  # the types that the parameter refers to decide
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

    def _parameter(self, resource_type: str, code: str) -> SearchParameter:
        found = self.world.parameter(resource_type, code)
        if found is None or found.type == "special" or found.expression is None:
            raise Refused(f"{resource_type} has no {code}")
        return found

    def _chained(self, resource_type: str, parameter: SearchParameter, name: Name) -> list[str]:
        types = [name.modifier] if name.modifier else self.world.targets(parameter, resource_type)
        return [each for each in types if self.knows((each,), name.rest)]
