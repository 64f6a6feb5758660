"""The codes of a value set, as far as they can be listed from the code systems at hand.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fhir_server.resource import Resource

Codes = frozenset[tuple[str, str]]
"""(system, code)"""

Canonicals = Callable[[str, str], Resource | None]
"""(resource type, canonical without version) -> the definition, None: not at hand"""


class NotEnumerableError(Exception):
    """The codes cannot be listed: a system that is not at hand, or a filter that needs one."""


def expand(value_set: str, canonicals: Canonicals) -> Codes | None:
    """All codes of the value set with this canonical; None when they cannot be listed."""
    try:
        return frozenset(_value_set(value_set, canonicals, ()))
    except NotEnumerableError:
        return None


def _value_set(url: str, canonicals: Canonicals, within: tuple[str, ...]) -> set[tuple[str, str]]:
    url = url.partition("|")[0]
    if url in within:
        raise NotEnumerableError(f"{url} includes itself")
    resource = canonicals("ValueSet", url)
    if resource is None or "compose" not in resource:
        raise NotEnumerableError(f"no definition of {url}")
    compose = resource["compose"]
    within = (*within, url)
    found: set[tuple[str, str]] = set()
    for include in compose["include"]:
        found |= _concept_set(include, canonicals, within)
    for exclude in compose.get("exclude", ()):
        found -= _concept_set(exclude, canonicals, within)
    return found


def _concept_set(
    part: dict[str, Any], canonicals: Canonicals, within: tuple[str, ...]
) -> set[tuple[str, str]]:
    """Codes that are in the part's system *and* in all value sets it names."""
    parts = [_value_set(url, canonicals, within) for url in part.get("valueSet", ())]
    if "system" in part:
        parts.append(_system(part, canonicals))
    if not parts:
        raise NotEnumerableError("an include names neither a system nor a value set")
    return set.intersection(*parts)


def _system(part: dict[str, Any], canonicals: Canonicals) -> set[tuple[str, str]]:
    system = part["system"]
    if "concept" in part:
        return {(system, concept["code"]) for concept in part["concept"]}
    code_system = canonicals("CodeSystem", system)
    if code_system is None or code_system.get("content") != "complete":
        raise NotEnumerableError(f"the codes of {system} are not at hand")
    parents = dict(_parents(code_system))
    codes = set(parents)
    for filter_ in part.get("filter", ()):
        codes &= _filtered(filter_, parents)
    return {(system, code) for code in codes}


def _parents(code_system: Resource) -> Iterator[tuple[str, frozenset[str]]]:
    """Every code with the codes above it, itself not among them.

    A code system says what is above what by nesting, or by the properties `subsumedBy` and `parent`.
    """
    direct: dict[str, set[str]] = {}

    def walk(concepts: Iterable[dict[str, Any]], parent: str | None) -> None:
        for concept in concepts:
            above = direct.setdefault(concept["code"], set())
            if parent is not None:
                above.add(parent)
            for item in concept.get("property", ()):
                if item.get("code") in ("subsumedBy", "parent") and "valueCode" in item:
                    above.add(item["valueCode"])
            walk(concept.get("concept", ()), concept["code"])

    walk(code_system.get("concept", ()), None)
    for code in direct:
        above: set[str] = set()
        pending = list(direct[code])
        while pending:
            parent = pending.pop()
            if parent not in above:
                above.add(parent)
                pending.extend(direct.get(parent, ()))
        yield code, frozenset(above)


def _filtered(filter_: dict[str, str], parents: dict[str, frozenset[str]]) -> set[str]:
    match filter_:
        case {"property": "concept", "op": "is-a", "value": value}:
            return {code for code, above in parents.items() if code == value or value in above}
        case {"property": "concept", "op": "descendent-of", "value": value}:
            return {code for code, above in parents.items() if value in above}
        case {"property": "concept", "op": "is-not-a", "value": value}:
            return {code for code, above in parents.items() if code != value and value not in above}
        case _:
            raise NotEnumerableError(f"a filter on {filter_.get('property')}")
