"""Extensions by their definitions: where each may stand, and what it holds.

https://hl7.org/fhir/R4/defining-extensions.html

An extension that nobody defined is allowed anywhere. A modifier that nobody defined is not: who reads the
resource cannot know what it changes (https://hl7.org/fhir/R4/extensibility.html#modifierExtension).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhir_server.definitions.registry import Definitions
from fhir_server.resource import Resource, encode
from fhir_server.validation.profile.focus import Focus, step
from fhir_server.validation.profile.run import Run
from fhir_server.validation.scope import shown

_MODIFIER = "modifierExtension"


class Owner(NamedTuple):
    """The element that an extension is on, as a context of use names it."""

    types: tuple[str, ...]  # its type and those that this specialises
    paths: tuple[str, ...]  # `Patient.contact.name`, `HumanName`
    extension: str | None  # the url of the extension that it is; None: it is none


def has_extensions(resource: Resource) -> bool:
    text = encode(resource)
    return b'"extension":' in text or b'"modifierExtension":' in text


def has_modifiers(resource: Resource) -> bool:
    return b'"modifierExtension":' in encode(resource)


def check(resource: Resource, at: str, run: Run) -> None:
    """All extensions of a resource, not those of the resources in it."""
    if not has_extensions(resource):
        return
    type_ = str(resource["resourceType"])
    for owner, name, extension, place in _walk(run.library.definitions, resource, type_, (type_,), at):
        _check(owner, Focus(extension, None, "Extension", place), name == _MODIFIER, run)


def _walk(
    definitions: Definitions, value: dict[str, Any], type_: str, paths: tuple[str, ...], at: str
) -> Iterator[tuple[Owner, str, dict[str, Any], str]]:
    """(owner, property, extension, place) of all extensions with a url of their own below a value."""
    properties = definitions.type(type_).properties
    for key, child in value.items():
        if key in ("extension", _MODIFIER):
            owner = Owner(tuple(_lineage(definitions, type_)), paths, None)
            for index, extension in enumerate(child):
                yield owner, key, extension, f"{step(at, key)}[{index}]"
                yield from _within(definitions, extension, f"{step(at, key)}[{index}]")
            continue
        if not _holds(child):
            continue  # paths are put together for few
        found = properties.get(key.removeprefix("_"))
        if found is None or found[1] == "Resource":
            continue
        element, child_type = found
        inner = tuple(f"{path}.{element.name}" for path in paths)
        inner = inner if definitions.type(child_type).kind == "backbone" else (*inner, child_type)
        place = step(at, element.name)
        for index, one in enumerate(child if isinstance(child, list) else [child]):
            if isinstance(one, dict):
                here = f"{place}[{index}]" if isinstance(child, list) else place
                yield from _walk(definitions, one, child_type, inner, here)


def _holds(value: Any) -> bool:
    """Whether there is an extension somewhere below."""
    if isinstance(value, list):
        return any(map(_holds, value))
    if not isinstance(value, dict):
        return False
    return "extension" in value or _MODIFIER in value or any(map(_holds, value.values()))


def _within(
    definitions: Definitions, extension: dict[str, Any], at: str
) -> Iterator[tuple[Owner, str, dict[str, Any], str]]:
    """Below an extension; parts of it, which have a plain name, are described by its own definition."""
    owner = Owner(("Extension", "Element"), ("Extension",), str(extension.get("url")))
    for index, part in enumerate(extension.get("extension", ())):
        place = f"{at}.extension[{index}]"
        if ":" in str(part.get("url")):
            yield owner, "extension", part, place
        yield from _within(definitions, part, place)
    rest = {name: value for name, value in extension.items() if name != "extension"}
    yield from _walk(definitions, rest, "Extension", ("Extension",), at)


def _lineage(definitions: Definitions, type_: str) -> Iterator[str]:
    name: str | None = type_
    while name is not None:
        yield name
        name = definitions.type(name).base


def _check(owner: Owner, focus: Focus, is_modifier: bool, run: Run) -> None:
    url = str(focus.value.get("url"))
    structure = run.library.structure(url)
    if structure is None or structure.get("type") != "Extension":
        _unknown(url, focus, is_modifier, run)
        return
    if not any(_fits(owner, context, run) for context in structure.get("context", ())):
        allowed = ", ".join(str(context.get("expression")) for context in structure.get("context", ()))
        text = f"{shown(url)} may stand on {allowed}, not on {owner.paths[0]}"
        run.report("error", "extension", text, focus.at, "extension-context")
    root = run.library.snapshots.tree(url).properties
    if bool(root.get("isModifier")) != is_modifier:
        wanted, found = ("modifierExtension", "extension") if not is_modifier else ("extension", _MODIFIER)
        text = f"{shown(url)} stands in {found}, it is defined for {wanted}"
        run.report("error", "extension", text, focus.at, "extension-modifier")
    profile = run.library.profile(url)
    if profile is not None:
        profile.check(focus, run)


def _unknown(url: str, focus: Focus, is_modifier: bool, run: Run) -> None:
    if is_modifier:
        text = f"the modifier {shown(url)} has no definition here, so nobody knows what it changes"
        run.report("error", "extension", text, focus.at, "extension-modifier-unknown")
    else:
        run.report(
            "information", "extension", f"{shown(url)} has no definition here", focus.at, "extension-unknown"
        )


def _fits(owner: Owner, context: dict[str, Any], run: Run) -> bool:
    """https://hl7.org/fhir/R4/defining-extensions.html#context; contexts by FHIRPath are not evaluated."""
    wanted = str(context.get("expression"))
    match context.get("type"):
        case "extension":
            return owner.extension == wanted
        case "element":
            plain = wanted.replace("[x]", "")
            return plain == "Element" or plain in owner.types or plain in owner.paths or "#" in plain
        case _:
            return True
