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
from fhir_server.validation.profile.finding import NOTHING, Found, Rule, all_of, behind, problem
from fhir_server.validation.profile.occurrence import Occurrence, place
from fhir_server.validation.profile.run import Run

if TYPE_CHECKING:
    from fhir_server.validation.profile.compile import Compiler

Slicing = Callable[[list[Occurrence], Run], Found]
"""Of the occurrences of one element; paths begin behind that of the element."""

_RULES = frozenset(("closed", "open", "openAtEnd"))
_BY_URL: dict[str, Any] = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
_DEFAULT = "@default"  # https://hl7.org/fhir/R4/profiling.html#default-slice
_DOUBTFUL = -1
"""The number of the slice, where a value set that is not known would tell."""
_EXTENSIONS = frozenset(("extension", "modifierExtension"))


@dataclass(frozen=True, slots=True)
class Slice:
    name: str
    matches: Match
    least: int
    most: int | None  # None: `*`
    rule: Rule | None
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
    from fhir_server.validation.profile.compile import maximum

    id_ = f"{id_}:{node.slice}"
    least, most = maximum(node)
    rule = all_of(compiler.occurrence(node, element, sliced, id_))
    return Slice(
        name=str(node.slice),
        matches=match(compiler, node, element, discriminators, id_, rule),
        least=least,
        most=most,
        rule=rule,
        slicing=slicing(compiler, node, element, id_) if node.slices else None,
        urls=urls(compiler, node, discriminators, id_),
    )


def _distribution(url: str, slices: list[Slice], rules: str, *, ordered: bool) -> Slicing:
    default = next((one for one in slices if one.name == _DEFAULT), None)
    named = [one for one in slices if one is not default]
    place_of = _placing(named)

    def distribute(occurrences: list[Occurrence], run: Run) -> Found:
        members: dict[str, list[Occurrence]] = {}
        found = NOTHING
        last, open_at = -1, None  # number of the slice that was met last; the first occurrence in none
        placed = [(one, number) for one in occurrences if (number := place_of(one, run)) != _DOUBTFUL]
        doubtful = len(occurrences) - len(placed)
        for one, number in placed:
            if number is None:
                if default is not None:
                    members.setdefault(_DEFAULT, []).append(one)
                elif rules == "closed":
                    text = f"is in no slice of {url}, which allows {_names(named)} and nothing else"
                    found = [*found, *_wrong(one, text, "slicing-closed")]
                open_at = open_at or one
                continue
            members.setdefault(named[number].name, []).append(one)
            if open_at is not None and rules == "openAtEnd":
                text = f"is in no slice of {url}, which allows such only after all that are in one"
                found = [*found, *_wrong(open_at, text, "slicing-open-at-end")]
                open_at = None
            if ordered and number < last:
                text = f"the slice {named[number].name} of {url} stands before {named[last].name}"
                found = [*found, *_wrong(one, text, "slicing-order")]
            last = max(last, number)
        for each in slices:
            its = members.get(each.name)
            if (its or each.least or each.slicing) and (more := _check(each, its or [], doubtful, url, run)):
                found = [*found, *more]
        return found

    return distribute


def _wrong(occurrence: Occurrence, text: str, message: str) -> Found:
    return behind(place(occurrence), problem("error", "structure", text, message))


def _placing(slices: list[Slice]) -> Callable[[Occurrence, Run], int | None]:
    """The first slice that an occurrence is in; extensions are told apart by one look at their url."""
    by_url: dict[str, int] = {}
    for number, one in enumerate(slices):
        for url in one.urls or ():
            by_url.setdefault(url, number)
    if all(one.urls is not None for one in slices):
        return lambda occurrence, run: by_url.get(occurrence[0].get("url"))

    def placed(occurrence: Occurrence, run: Run) -> int | None:
        value, beside, type_, _ = occurrence
        before = run.gathered.doubts
        for number, one in enumerate(slices):
            if one.matches(value, beside, type_, run):
                return number
        return None if run.gathered.doubts == before else _DOUBTFUL

    return placed


def _names(slices: list[Slice]) -> str:
    return ", ".join(one.name for one in slices)


def _check(one: Slice, members: list[Occurrence], doubtful: int, url: str, run: Run) -> Found:
    """doubtful: so many more may be in it"""
    found = NOTHING
    if len(members) + doubtful < one.least or (one.most is not None and len(members) > one.most):
        found = cardinality.check(len(members), one.least, one.most, f"the slice {one.name} of {url}")
    if one.rule is not None:
        for member in members:
            if more := one.rule(member[0], member[1], member[2], run):
                found = [*found, *behind(place(member), more)]
    if one.slicing is not None and (more := one.slicing(members, run)):
        found = [*found, *more]
    return found
