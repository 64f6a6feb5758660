"""A profile compiled: the tree of its snapshot to closures, only where it says more than the base.

https://hl7.org/fhir/R4/profiling.html
"""

from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.element_tree import Node, Properties
from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element
from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource
from fhir_server.validation.profile import bounds, cardinality, fixed
from fhir_server.validation.profile.binding import binding, has_maximal
from fhir_server.validation.profile.constraint import constraint
from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, all_of, behind, problem
from fhir_server.validation.profile.length import max_length
from fhir_server.validation.profile.library import Library
from fhir_server.validation.profile.occurrence import Select, place, select, single, step
from fhir_server.validation.profile.run import Run
from fhir_server.validation.profile.types import types

_ABSTRACT = frozenset(("Resource", "DomainResource"))


@dataclass(frozen=True, slots=True)
class Profile:
    canonical: str
    type: str
    rule: Rule


def compile_profile(library: Library, canonical: str, structure: Resource) -> Profile:
    """Raises DefinitionError with canonical and element."""
    type_ = structure.get("type")
    if not isinstance(type_, str) or not library.definitions.has_type(type_):
        raise DefinitionError(f"{canonical}: type is {type_!r}, which is not a type of FHIR")
    url = str(structure.get("url", canonical))
    root = library.snapshots.tree(canonical)
    compiler = Compiler(library, url)
    own = constraints_of_base(library.definitions, type_, None)
    rules = [*compiler.rules(root, None, own, None, type_), *compiler.children(root, type_, None)]
    rule = all_of(rules) or _nothing

    def whole(value: Any, beside: Beside, found: str, run: Run) -> Found:
        if found != type_ and not library.definitions.is_a(found, type_):
            text = f"found {found}, {url} is a profile of {type_}"
            return problem("error", "structure", text, "profile-type")
        return rule(value, beside, found, _run_of(value, run))

    return Profile(canonical, type_, whole)


def _run_of(value: Any, run: Run) -> Run:
    """For a resource within the one that is checked, a run of its own."""
    if not isinstance(value, dict) or "resourceType" not in value or value is run.resource:
        return run
    contained = any(value is one for one in run.resource.get("contained", ()))
    return run.within(value, contained=contained)


def _nothing(value: Any, beside: Beside, type_: str, run: Run) -> Found:
    """A profile that says no more than its base."""
    return NOTHING


def constraints_of_base(definitions: Definitions, type_: str, element: Element | None) -> frozenset[str]:
    """Keys of constraints that the base specification has on an element, and checks."""
    found = {constraint.key for constraint in definitions.type(type_).constraints}
    if element is not None:
        found |= {constraint.key for constraint in element.constraints}
    return frozenset(found) | {"ele-1"}


class Compiler:
    """Compiles the elements of one profile; `url` is its canonical for messages."""

    def __init__(self, library: Library, url: str) -> None:
        self.library = library
        self.definitions = library.definitions
        self.url = url

    def children(self, node: Node, type_: str, known: Node | None, at: str = "") -> list[Rule]:
        """The rules for what stands below values of `type_`.

        known: an element whose rules hold as well, so that what is the same in it is not checked twice.
        """
        found = []
        at = at or node.name
        for child in node.children:
            same = known.child(child.name) if known is not None else None
            if same == child:
                continue
            rule = self._element(child, type_, same, f"{at}.{child.name}")
            if rule is not None:
                found.append(rule)
        return found

    def _element(self, node: Node, parent: str, known: Node | None, id_: str) -> Rule | None:
        """The rule on a value of type `parent` about one of its elements; None: it says nothing new."""
        name = node.name.removesuffix("[x]")
        located = self._located(parent, name, id_)
        if located is None:
            return None
        selected, element = located
        least, most = _cardinality(node, element, known)
        each = all_of(self.occurrence(node, element, known, id_))
        slicing = self._slicing(node, element, id_)
        if not least and most is None and each is None and slicing is None:
            return None
        url, suffix = self.url, step("", name)
        alone = single(self.definitions, parent, name)
        if alone is not None and slicing is None:
            return _single(alone, least, most, each, suffix, url)

        def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
            occurrences = selected(value, beside)
            found = NOTHING
            if len(occurrences) < least or (most is not None and len(occurrences) > most):
                found = cardinality.check(len(occurrences), least, most, url)
            if each is not None:
                for one in occurrences:
                    if more := each(one[0], one[1], one[2], run):
                        found = [*found, *behind(place(one), more)]
            if slicing is not None and (more := slicing(occurrences, run)):
                found = [*found, *more]
            return behind(suffix, found) if found else NOTHING

        return rule

    def _located(self, parent: str, name: str, id_: str) -> tuple[Select, Element] | None:
        """How to get an element, and what the base says of it; None: it is no element."""
        selected = select(self.definitions, parent, name)
        element = self.definitions.type(parent).elements.get(name)
        if selected is not None and element is not None:
            return selected, element
        if self.definitions.type(parent).kind == "primitive":
            return None  # the value of a primitive
        raise DefinitionError(f"{self.url}: {id_}: {parent} has no element {name}")

    def occurrence(self, node: Node, element: Element, known: Node | None, id_: str) -> list[Rule]:
        """The rules on one value of an element, those of its children among them."""
        found = self.rules(node, element, self._base_keys(node, element), known, id_)
        by_type = {
            type_: rule
            for type_ in self._types(node, element)
            if node.children and (rule := all_of(self.children(node, type_, known, id_)))
        }
        if by_type:
            found.append(_by_type(by_type))
        return found

    def _types(self, node: Node, element: Element) -> tuple[str, ...]:
        """The types that values of an element can have, as the definitions name them."""
        codes = tuple(str(type_.get("code")) for type_ in node.types)
        if element.types == ("Resource",) and set(codes).isdisjoint(_ABSTRACT):
            return tuple(code for code in codes if self.definitions.has_type(code))
        if element.choice:
            return tuple(type_ for type_ in element.types if type_ in codes) or element.types
        return element.types

    def _base_keys(self, node: Node, element: Element) -> frozenset[str]:
        """Keys of constraints that the base has on all types of an element."""
        of_types = [
            constraints_of_base(self.definitions, type_, element) for type_ in self._types(node, element)
        ]
        return frozenset.intersection(*of_types) if of_types else frozenset()

    def rules(
        self, node: Node, element: Element | None, base_keys: frozenset[str], known: Node | None, id_: str
    ) -> list[Rule]:
        """The rules on one value of an element, by the words of its definition; not those of its children."""
        properties = _own(node.properties, known)
        source = f"{self.url}"
        found: list[Rule] = []
        if element is not None and "type" in properties:
            found += types(self.definitions, properties["type"], element, source)
        for word, rule in (("fixed", fixed.fixed), ("pattern", fixed.pattern)):
            wanted = fixed.value_of(properties, word)
            if wanted is not None:
                found.append(rule(wanted, source))
        if "maxLength" in properties:
            found.append(max_length(int(properties["maxLength"]), source))
        found += self._bounds(properties, id_)
        if "binding" in properties and not _is_that_of_base(properties["binding"], element):
            found += filter(None, (binding(properties["binding"], source),))
        for definition in properties.get("constraint", ()):
            if definition["key"] not in base_keys and definition not in _constraints(known):
                at = f"{self.url}: {id_}"
                found += filter(None, (constraint(self.definitions, definition, self.url, at),))
        return found

    def _bounds(self, properties: Properties, id_: str) -> list[Rule]:
        return [
            bounds.bound(self.definitions, word, operator, name, value, (self.url, id_))
            for word, operator in (("minValue", ">="), ("maxValue", "<="))
            for name, value in properties.items()
            if name.startswith(word) and not name.startswith(f"{word}Set")
        ]

    def _slicing(self, node: Node, element: Element, id_: str) -> Any:
        from fhir_server.validation.profile.slicing import slicing

        return slicing(self, node, element, id_) if node.slices else None


def _own(properties: Properties, known: Node | None) -> Properties:
    """What is not the same in the element that is known."""
    if known is None:
        return properties
    other = known.properties
    return {name: value for name, value in properties.items() if name not in other or other[name] != value}


def _constraints(known: Node | None) -> list[Any]:
    return [] if known is None else known.properties.get("constraint", [])


def _cardinality(node: Node, element: Element, known: Node | None) -> tuple[int, int | None]:
    """(min, max) where they are narrower than the base's; (0, None) where nothing is left to check."""
    least, most = maximum(node)
    if known is not None and (least, most) == maximum(known):
        return 0, None
    return (least if least > element.min else 0), (None if most == element.max else most)


def maximum(node: Node) -> tuple[int, int | None]:
    most = node.properties.get("max", "*")
    return int(node.properties.get("min", 0)), None if most == "*" else int(most)


def _is_that_of_base(definition: dict[str, Any], element: Element | None) -> bool:
    """Whether the base has it: required ones are part of every write, the others are told by `$validate`."""
    own = element.binding if element is not None else None
    value_set = str(definition.get("valueSet", "")).partition("|")[0]
    return (
        own is not None
        and own.strength == definition.get("strength")
        and own.value_set == value_set
        and not has_maximal(definition)
    )


def _single(
    alone: tuple[str, str, str], least: int, most: int | None, each: Rule | None, suffix: str, url: str
) -> Rule:
    """The rule about an element that can be there once; nothing is gathered to look at it."""
    json_name, json_beside, json_type = alone

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        one, one_beside = value.get(json_name), value.get(json_beside)
        if one is None and one_beside is None:
            return behind(suffix, cardinality.check(0, least, most, url)) if least else NOTHING
        found = cardinality.check(1, least, most, url) if most == 0 else NOTHING
        if each is not None and (more := each(one, one_beside, json_type, run)):
            found = [*found, *more]
        return behind(suffix, found) if found else NOTHING

    return rule


def _by_type(rules: dict[str, Rule]) -> Rule:
    """Rules on the children of a value, by its type."""

    def by_type(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        rule = rules.get(type_)
        if rule is None or (value is None and beside is None):
            return NOTHING
        return rule(value, beside, type_, run)

    return by_type
