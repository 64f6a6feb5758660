"""The parameter types that compare values, each with both of its directions.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from fhir_server.search import date, near, number, quantity, reference, string, token, uri
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.store.algebra import Node


@dataclass(frozen=True, slots=True)
class ParameterType:
    kind: Literal["token", "string", "date", "number", "reference", "position"]  # of index rows, for sorting
    emitter: Callable[[str, str, Indexing], Emit | None]  # column, FHIR type; None: it cannot be indexed
    where: Callable[[Column, Sequence[str], str, Scope], Node]  # column, values of an OR, modifier
    present: Callable[[Column], Node]
    modifiers: frozenset[str]  # beside :missing, and :Type of references
    # those of the modifiers that go with what a column holds; None: all
    of_column: Callable[[Column], frozenset[str]] | None = None

    def fitting(self, column: Column) -> frozenset[str]:
        return self.modifiers if self.of_column is None else self.of_column(column)


TYPES: dict[str, ParameterType] = {
    "string": ParameterType("string", string.emitter, string.where, string.present, string.MODIFIERS),
    "token": ParameterType(
        "token", token.emitter, token.where, token.present, token.MODIFIERS, token.modifiers
    ),
    "reference": ParameterType(
        "reference", reference.emitter, reference.where, reference.present,
        reference.MODIFIERS, reference.modifiers,
    ),
    "date": ParameterType("date", date.emitter, date.where, date.present, date.MODIFIERS),
    "number": ParameterType("number", number.emitter, number.where, number.present, number.MODIFIERS),
    "quantity": ParameterType(
        "number", quantity.emitter, quantity.where, quantity.present, quantity.MODIFIERS
    ),
    "special": ParameterType("position", near.emitter, near.where, near.present, near.MODIFIERS),
    "uri": ParameterType("token", uri.emitter, uri.where, uri.present, uri.MODIFIERS),
}  # fmt: skip
