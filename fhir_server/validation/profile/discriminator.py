"""discriminator: what tells whether an occurrence is in a slice.

https://hl7.org/fhir/R4/profiling.html#discriminator

Five types: value and pattern (the value fits what the slice fixes or binds), exists, type, profile. A path is
looked up twice: in the instance by FHIRPath, in the definitions of the slice by walking its tree, and through
the profiles that types name where the tree ends.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fhir_server.definitions.element_tree import Node
from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element
from fhir_server.fhirpath import Expression, FhirPathError, compile_expression
from fhir_server.fhirpath.items import unwrap
from fhir_server.outcome import DefinitionError
from fhir_server.validation.profile import discriminator_path, fixed
from fhir_server.validation.profile.binding import is_member
from fhir_server.validation.profile.finding import Beside, Rule
from fhir_server.validation.profile.occurrence import item
from fhir_server.validation.profile.run import Run

if TYPE_CHECKING:
    from fhir_server.validation.profile.compile import Compiler

Match = Callable[[Any, Beside, str, Run], bool]
"""Whether (value, beside, type) is in a slice"""
Found = tuple[str, Any]
"""(type, JSON value) of what a path selects"""
Fits = Callable[[str, Any, Run], bool]
"""Whether a (type, value) is what the slice wants."""


def match(
    compiler: "Compiler", node: Node, element: Element, discriminators: Any, id_: str, rule: Rule | None
) -> Match:
    """Whether an occurrence is in the slice `node`; rule: the rules of the slice."""
    tests = [_test(compiler, node, element, discriminator, id_) for discriminator in discriminators]
    found = [test for test in tests if test is not None]
    if len(found) < len(tests) or not found:
        # the slice does not say what the discriminator would look at, or there is none: all its rules decide
        return lambda value, beside, type_, run: rule is None or run.passes(rule(value, beside, type_, run))
    if len(found) == 1:
        return found[0]
    return lambda value, beside, type_, run: all(test(value, beside, type_, run) for test in found)


def urls(compiler: "Compiler", node: Node, discriminators: Any, id_: str) -> frozenset[str] | None:
    """The urls of the extensions in a slice, where they alone tell; None: something else does."""
    if [(one.get("type"), one.get("path")) for one in discriminators] != [("value", "url")]:
        return None
    where = f"{compiler.url}: {id_}: discriminator value url"
    located = list(_located(compiler, [(node, ())], [("child", "url")], where))
    if not located:
        return frozenset(_urls(compiler, node, where)) or None
    wanted = {fixed.value_of(found.properties, "fixed") for found, _ in located}
    return frozenset(wanted) if len(wanted) == 1 and all(isinstance(one, str) for one in wanted) else None


def _test(compiler: "Compiler", node: Node, element: Element, discriminator: Any, id_: str) -> Match | None:
    """None: the slice says nothing about the path."""
    kind, path = discriminator.get("type"), discriminator.get("path")
    where = f"{compiler.url}: {id_}: discriminator {kind} {path}"
    steps = discriminator_path.steps(compiler.definitions, element, path, where)
    found = list(_located(compiler, [(node, ())], steps, where))
    if path == "url" and not found and (urls := frozenset(_urls(compiler, node, where))):
        return _any(compiler, "url", lambda type_, value, run: value in urls)
    match kind:
        case "value" | "pattern":
            fits = _value(compiler, found, where)
        case "type":
            fits = _type(found)
        case "profile":
            fits = _profile(found)
        case "exists":
            return _exists(compiler, found, str(path))
        case _:
            raise DefinitionError(f"{where}: there is no such type")
    return None if fits is None else _any(compiler, str(path), fits)


def _any(compiler: "Compiler", path: str, fits: Fits) -> Match:
    """Whether something at the path fits."""
    definitions = compiler.definitions
    if path == "$this":
        return lambda value, beside, type_, run: fits(type_, value, run)
    plain = _Plain(definitions, path.split("."))

    def matches(value: Any, beside: Beside, type_: str, run: Run) -> bool:
        if (walk := plain[type_]) is not None:
            names, inner = walk
            return any(fits(inner, one, run) for one in _values(value, names))
        expression = compile_expression(path, definitions, type_)
        selected = _selected(expression, item(value, beside, type_), run)
        return any(fits(inner, one, run) for inner, one in selected)

    return matches


Walk = tuple[tuple[str, ...], str]
"""(properties one below the other, type of the last)"""


class _Plain(dict[str, Walk | None]):
    """By type of a value, how a path goes through its JSON; None: only FHIRPath can tell."""

    def __init__(self, definitions: Definitions, names: list[str]) -> None:
        super().__init__()
        self._definitions = definitions
        self._names = names

    def __missing__(self, type_: str) -> Walk | None:
        self[type_] = found = self._walk(type_)
        return found

    def _walk(self, type_: str) -> Walk | None:
        for name in self._names:
            described = self._definitions.type(type_)
            found = None if described.kind == "primitive" else described.properties.get(name)
            if found is None or found[0].choice or found[1] == "Resource":
                return None
            type_ = found[1]
        return tuple(self._names), type_


def _values(value: Any, names: tuple[str, ...]) -> list[Any]:
    """What stands at the end of a walk; of a primitive that has extensions alone nothing."""
    values = [value]
    for name in names:
        below = []
        for one in values:
            found = one.get(name)
            if isinstance(found, list):
                below += [each for each in found if each is not None]
            elif found is not None:
                below.append(found)
        values = below
    return values


def _selected(expression: Expression, context: Any, run: Run) -> Iterator[Found]:
    try:
        yield from expression.typed(run.resource, context=context, resolve=run.resolve)
    except FhirPathError:
        return  # of a value of another shape nothing is selected


Place = tuple[Node, tuple[str, ...]]
"""A definition, and the profiles that a reference to it may have after resolve()."""


def _located(
    compiler: "Compiler", places: list[Place], steps: discriminator_path.Steps, where: str
) -> Iterator[Place]:
    for kind, name in steps:
        places = [found for place in places for found in _step(compiler, place, kind, name, where)]
    yield from places


def _step(compiler: "Compiler", place: Place, kind: str, name: str, where: str) -> Iterator[Place]:
    node, _ = place
    match kind:
        case "child":
            for parent in _with_children(compiler, node, where):
                yield from ((child, ()) for child in _children(parent, name))
        case "type":
            if node.name == name or any(type_.get("code") == name for type_ in node.types):
                yield place
        case "extension":
            for parent in _with_children(compiler, node, where):
                yield from ((one, ()) for one in _extensions(compiler, parent, name, where))
        case _:
            for profile in (profile for type_ in node.types for profile in type_.get("targetProfile", ())):
                if compiler.library.structure(str(profile)) is not None:
                    yield compiler.library.snapshots.tree(str(profile)), (str(profile),)


def _children(parent: Node, name: str) -> Iterator[Node]:
    """The element, and where it is a choice its slices by type too."""
    child = parent.child(name) or parent.child(f"{name}[x]")
    if child is not None:
        yield child
        if child.name.endswith("[x]"):
            yield from child.slices


def _extensions(compiler: "Compiler", parent: Node, url: str, where: str) -> Iterator[Node]:
    extension = parent.child("extension")
    for one in extension.slices if extension else ():
        if url in _urls(compiler, one, where):
            yield one


def _with_children(compiler: "Compiler", node: Node, where: str) -> Iterator[Node]:
    """The trees in which the children of an element are described."""
    if node.children:
        yield node
        return
    for type_ in node.types:
        for profile in type_.get("profile", ()):
            if compiler.library.structure(str(profile).partition("#")[0]) is not None:
                yield compiler.library.snapshots.of_type({"profile": [profile]}, where)


def _urls(compiler: "Compiler", node: Node, where: str) -> Iterator[str]:
    for parent in _with_children(compiler, node, where):
        url = parent.child("url")
        found = None if url is None else fixed.value_of(url.properties, "fixed")
        if isinstance(found, str):
            yield found
    for type_ in node.types:  # the definition is not at hand: its canonical is the url
        yield from (str(profile).partition("|")[0] for profile in type_.get("profile", ()))


def _value(compiler: "Compiler", places: list[Place], where: str) -> Fits | None:
    """What the elements at the path fix, else what they require, else what stands below them."""
    tests = [test for node, _ in places if (test := _value_of(compiler, node, where)) is not None]
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda type_, value, run: all(t(type_, value, run) for t in tests)


def _value_of(compiler: "Compiler", node: Node, where: str) -> Fits | None:
    wanted = fixed.value_of(node.properties, "fixed")
    if wanted is not None:
        same = fixed.equal_to(wanted)
        return lambda type_, value, run: same(value)
    wanted = fixed.value_of(node.properties, "pattern")
    if wanted is not None:
        alike = fixed.like(wanted)
        return lambda type_, value, run: alike(value)
    below = _below(compiler, node, where)
    binding = node.properties.get("binding", {})
    value_set = binding.get("valueSet") if binding.get("strength") == "required" else None
    if isinstance(value_set, str):
        codes = value_set
        return lambda type_, value, run: (
            _is_bound(run, type_, value, codes) and (below is None or below(type_, value, run))
        )
    return below


def _is_bound(run: Run, type_: str, value: Any, value_set: str) -> bool:
    found = is_member(run, type_, value, value_set)
    if found is None:
        run.gathered.doubts += 1
    return found is True


def _below(compiler: "Compiler", node: Node, where: str) -> Fits | None:
    """The rules on the children of an element whose own definition does not fix it."""
    parts = []
    for parent in _with_children(compiler, node, where):
        for child in parent.children:
            test, slices = _value_of(compiler, child, where), _required(compiler, child, where)
            if test is not None or slices:
                parts.append((child.name.removesuffix("[x]"), test, slices))
    if not parts:
        return None

    def fits(type_: str, value: Any, run: Run) -> bool:
        return isinstance(value, dict) and all(
            _child_fits(value.get(name), test, slices, run) for name, test, slices in parts
        )

    return fits


def _required(compiler: "Compiler", node: Node, where: str) -> list[Fits]:
    """Slices that must be there, of an element below the path: `code.coding:loinc`."""
    return [
        test
        for one in node.slices
        if one.properties.get("min", 0) and (test := _value_of(compiler, one, where)) is not None
    ]


def _child_fits(value: Any, test: Fits | None, slices: list[Fits], run: Run) -> bool:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if test is not None and not any(test("", one, run) for one in values):
        return False
    return all(any(one("", entry, run) for entry in values) for one in slices)


def _type(places: list[Place]) -> Fits | None:
    codes = {str(type_.get("code")) for node, profiles in places if not profiles for type_ in node.types}
    # after resolve() the root of a profile is named like its type
    codes |= {node.name for node, profiles in places if profiles}
    if not codes:
        return None
    return lambda type_, value, run: (
        type_ in codes
        or any(run.library.definitions.is_a(type_, code) for code in codes if _known(run, type_))
    )


def _known(run: Run, type_: str) -> bool:
    return run.library.definitions.has_type(type_)


def _profile(places: list[Place]) -> Fits | None:
    wanted = [profile for _, profiles in places for profile in profiles] or [
        str(profile) for node, _ in places for type_ in node.types for profile in type_.get("profile", ())
    ]
    if not wanted:
        return None
    return lambda type_, value, run: any(run.conforms(canonical, value, None, type_) for canonical in wanted)


def _exists(compiler: "Compiler", places: list[Place], path: str) -> Match | None:
    if not places:
        return None
    least = max(int(node.properties.get("min", 0)) for node, _ in places)
    absent = all(node.properties.get("max") == "0" for node, _ in places)
    if not least and not absent:
        return None
    definitions = compiler.definitions

    def matches(value: Any, beside: Beside, type_: str, run: Run) -> bool:
        expression = compile_expression(path, definitions, type_)
        selected = _selected(expression, item(value, beside, type_), run)
        found = any(unwrap(one) is not None for _, one in selected)
        return found is not absent

    return matches
