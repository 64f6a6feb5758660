"""Whether a resource fits `name=value`: modifiers, chains, reverse chains.

https://hl7.org/fhir/R4/search.html#modifiers, #chaining, #has
"""

from msgspec import structs

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import (
    Refused,
    dates,
    filters,
    full_text,
    hierarchies,
    names,
    numbers,
    places,
    references,
    strings,
    terminology,
    tokens,
)
from tests.search.reference.grammar import alternatives, parts, plain
from tests.search.reference.known import Known, Name, Reverse
from tests.search.reference.references import Identity
from tests.search.reference.world import Typed, World

_OF_RESOURCES = ("_id", "_lastUpdated")


class Criteria(Known):
    """generous: all that a server may find, otherwise what it has to. Between the two are readings of
    Chinese characters, and texts of which it can be doubted that they are any."""

    def __init__(self, world: World, *, generous: bool = False) -> None:
        super().__init__(world)
        self.generous = generous

    def opposite(self) -> "Criteria":
        """For what is negated: what has not to be found must not have what a server may find."""
        return Criteria(self.world, generous=not self.generous)

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
        if name in full_text.PARAMETERS:
            return any(self.has_words(identity, name, plain(each)) for each in alternatives(value))
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
        return any_fits is not (found.modifier in ("not", "not-in"))

    def has_words(self, identity: Identity, name: str, text: str) -> bool:
        """Of contained resources, to which chains go, a server may know no words."""
        if identity not in self.world.resources and not self.generous:
            return False
        resource, query = self.world.resource(identity), full_text.parse(text)
        return full_text.fits(self.world.definitions, resource, name, query, generous=self.generous)

    def _is_listed(self, identity: Identity, value: str) -> bool:
        """ "all resources that are referred to by the list": _list=42"""
        item = self._parameter("List", "item")
        lists = [("List", plain(each)) for each in alternatives(value)]
        held = [each for each in lists if each in self.world.resources]
        return any(identity in self.world.referred(each, item) for each in held)

    def _fits_chain(self, identity: Identity, parameter: SearchParameter, name: Name, value: str) -> bool:
        """ "subject:Patient.name": a resource that is referred to, and there, fits the rest."""
        types = self._chained(identity[0], parameter, name)
        there = [each for each in self.world.referred(identity, parameter) if each in self.world.resources]
        return any(
            self.fits(target, name.rest, value)
            for target in there + self.world.contained(identity, parameter)
            if target[0] in types
        )

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
                return self._fits_string(parameter, resource_type, typed, modifier, text)
            case "token":
                return self._fits_token(parameter, resource_type, typed, modifier, text)
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

    def _fits_token(
        self, parameter: SearchParameter, resource_type: str, typed: Typed, modifier: str, text: str
    ) -> bool:
        systems = self.world.implied_systems(parameter, resource_type)
        if modifier == "text":
            have = tokens.texts(*typed)
            return any(strings.folded(each).startswith(strings.folded(plain(text))) for each in have)
        if modifier == "of-type":
            return typed[0] == "Identifier" and tokens.is_of_type(typed[1], text)
        if modifier in terminology.MODIFIERS:
            of_value = terminology.codes(*typed, systems)
            return not terminology.meant(self.world, modifier, text).isdisjoint(of_value)
        return tokens.matches(*typed, text, systems)

    def _fits_string(
        self, parameter: SearchParameter, resource_type: str, typed: Typed, modifier: str, text: str
    ) -> bool:
        if strings.matches(*typed, text, modifier, family=names.is_family(parameter)):
            return True
        wanted = strings.folded(plain(text))
        if modifier != "exact" and self.fits_name(
            parameter, resource_type, typed, wanted, anywhere=modifier == "contains"
        ):
            return True
        if parameter.code != "phonetic" or modifier:
            return False
        return names.sounds(parameter, *typed, wanted, generous=self.generous)

    def fits_name(
        self, parameter: SearchParameter, resource_type: str, typed: Typed, wanted: str, *, anywhere: bool
    ) -> bool:
        """By how it is read. wanted: folded"""
        if not names.is_name(parameter, resource_type, typed[0]):
            return False
        known = names.spoken(parameter, *typed)
        return names.fits(known, wanted, anywhere=anywhere, generous=self.generous)

    def _fits_reference(
        self, parameter: SearchParameter, resource_type: str, typed: Typed, modifier: str, text: str
    ) -> bool:
        if modifier == "identifier":
            identifier = typed[1].get("identifier") if typed[0] == "Reference" else None
            return identifier is not None and tokens.matches("Identifier", identifier, text, frozenset())
        if modifier in hierarchies.MODIFIERS:
            have = references.text_of(*typed)
            target = references.local(have, self.world.base) if have else None
            return target in hierarchies.meant(self.world, modifier, text)
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


def _of_type(parameter: SearchParameter, type_name: str | None) -> SearchParameter:
    return parameter if type_name is None else structs.replace(parameter, type=type_name)
