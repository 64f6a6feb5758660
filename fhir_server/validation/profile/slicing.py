"""slicing: the occurrences of an element told apart, each with rules of its own.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_server.definitions.element_tree import Node
from fhir_server.definitions.types import Element
from fhir_server.outcome import DefinitionError
from fhir_server.validation.profile import cardinality
from fhir_server.validation.profile.discriminator import Match, match, urls
from fhir_server.validation.profile.focus import Focus
from fhir_server.validation.profile.run import Check, Run

if TYPE_CHECKING:
    from fhir_server.validation.profile.compile import Compiler

Slicing = Callable[[list[Focus], str, Run], None]
"""(occurrences, their path without index, run)"""

_RULES = frozenset(("closed", "open", "openAtEnd"))
_BY_URL: dict[str, Any] = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
_DEFAULT = "@default"  # https://hl7.org/fhir/R4/profiling.html#default-slice
_EXTENSIONS = frozenset(("extension", "modifierExtension"))


@dataclass(frozen=True, slots=True)
class Slice:
    name: str
    matches: Match
    least: int
    most: int | None  # None: `*`
    check: Check | None
    slicing: Slicing | None  # slices of the slice
    urls: frozenset[str] | None  # of extensions, when they alone tell who is in it; None: something else does


def slicing(compiler: "Compiler", node: Node, element: Element, id_: str) -> Slicing:
    """The rules of the slices of `node`, a list of which its slicing says how to tell them apart."""
    definition = node.properties.get("slicing") or (_BY_URL if node.name in _EXTENSIONS else {})
    rules = definition.get("rules", "open")
    if rules not in _RULES:
        raise DefinitionError(f"{compiler.url}: {id_}: slicing.rules is {rules!r}")
    discriminators = definition.get("discriminator", ())
    slices = [_slice(compiler, one, node, element, discriminators, id_) for one in node.slices]
    return _distribution(compiler.url, slices, rules, ordered=definition.get("ordered") is True)


def _slice(
    compiler: "Compiler",
    node: Node,
    sliced: Node,
    element: Element,
    discriminators: Any,
    id_: str,
) -> Slice:
    from fhir_server.validation.profile.compile import maximum, together

    id_ = f"{id_}:{node.slice}"
    least, most = maximum(node)
    check = together(compiler.occurrence(node, element, sliced, id_))
    return Slice(
        name=str(node.slice),
        matches=match(compiler, node, element, discriminators, id_, check),
        least=least,
        most=most,
        check=check,
        slicing=slicing(compiler, node, element, id_) if node.slices else None,
        urls=urls(compiler, node, discriminators, id_),
    )


def _distribution(url: str, slices: list[Slice], rules: str, *, ordered: bool) -> Slicing:
    default = next((one for one in slices if one.name == _DEFAULT), None)
    named = [one for one in slices if one is not default]
    place_of = _placing(named)

    def distribute(occurrences: list[Focus], at: str, run: Run) -> None:
        members: dict[str, list[Focus]] = {}
        last, open_at = -1, None  # place of the last slice that was met; the first occurrence in none
        for focus in occurrences:
            place = place_of(focus, run)
            if place is None:
                if default is not None:
                    members.setdefault(_DEFAULT, []).append(focus)
                elif rules == "closed":
                    text = f"is in no slice of {url}, which allows {_names(named)} and nothing else"
                    run.report("error", "structure", text, focus.at, "slicing-closed")
                open_at = open_at or focus
                continue
            members.setdefault(named[place].name, []).append(focus)
            if open_at is not None and rules == "openAtEnd":
                text = f"is in no slice of {url}, which allows such only after all that are in one"
                run.report("error", "structure", text, open_at.at, "slicing-open-at-end")
                open_at = None
            if ordered and place < last:
                text = f"the slice {named[place].name} of {url} stands before {named[last].name}"
                run.report("error", "structure", text, focus.at, "slicing-order")
            last = max(last, place)
        for one in slices:
            _check(one, members.get(one.name, []), at, url, run)

    return distribute


def _placing(slices: list[Slice]) -> Callable[[Focus, Run], int | None]:
    """The first slice that an occurrence is in; extensions are told apart by one look at their url."""
    by_url: dict[str, int] = {}
    for number, one in enumerate(slices):
        for url in one.urls or ():
            by_url.setdefault(url, number)
    if all(one.urls is not None for one in slices):
        return lambda focus, run: by_url.get(focus.value.get("url"))
    return lambda focus, run: next(
        (place for place, one in enumerate(slices) if one.matches(focus, run)), None
    )


def _names(slices: list[Slice]) -> str:
    return ", ".join(one.name for one in slices)


def _check(one: Slice, members: list[Focus], at: str, url: str, run: Run) -> None:
    cardinality.check(run, len(members), one.least, one.most, at, f"the slice {one.name} of {url}")
    if one.check is not None:
        for focus in members:
            one.check(focus, run)
    if one.slicing is not None:
        one.slicing(members, at, run)
