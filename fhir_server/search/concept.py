"""Codes by their meaning: those of a value set, and those that a code system has above or below one.

https://hl7.org/fhir/R4/search.html#subsumption
"""

from collections.abc import Sequence

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Scope
from fhir_server.search.local import local
from fhir_server.search.terms import Codes, Terms, required
from fhir_server.search.values import system_and_code, unescape

MODIFIERS = frozenset(("in", "not-in", "above", "below"))


def concepts(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Codes:
    """The codes that are meant; empty while they are not looked up."""
    terms = required(scope.terms, modifier)
    if modifier in ("in", "not-in"):
        sets = [terms.codes_in(_value_set(value, scope)) for value in values]
        return sets[0] if len(sets) == 1 else frozenset[tuple[str, str]]().union(*sets)
    return frozenset(
        found for value in values for found in _related(terms, column, value, above=modifier == "above")
    )


def _value_set(value: str, scope: Scope) -> str:
    """ "If the server can treat the reference as a literal URL, it does", else it is a canonical."""
    text = unescape(value)
    found = local(text, scope.bases)
    return f"ValueSet/{found[1]}" if found is not None and found[0] == "ValueSet" else text


def _related(terms: Terms, column: Column, value: str, *, above: bool) -> Codes:
    system, code = system_and_code(value)
    if not system and len(column.systems) == 1:
        (system,) = column.systems
    if not (system and code):
        raise bad_value(f"{value!r} is not system|code: what is above and below a code depends on its system")
    return frozenset((system, each) for each in terms.related(system, code, above=above))
