"""Literals to values.

https://hl7.org/fhirpath/N1/#literals
"""

from decimal import Decimal

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.compiled import BOOLEAN, DECIMAL, EMPTY, INTEGER, LONG, STRING, Compiled, constant
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import INTEGER_RANGE, LONG_RANGE, Long
from fhir_server.fhirpath.moments import Moment, parse_moment, parse_time
from fhir_server.fhirpath.quantity import Quantity

_DIGITS_LIMIT = 36


def literal(node: ast.Node) -> Compiled | None:
    """The value of a literal; None: the node is none."""
    match node:
        case ast.String(value):
            return constant(value, STRING)
        case ast.Boolean(truth):
            return constant(truth, BOOLEAN)
        case ast.Number(text):
            return _number(text, node.at)
        case ast.Quantity(number, unit):
            return constant(Quantity(_decimal(number, node.at), unit), "System.Quantity")
        case ast.Date(text) | ast.DateTime(text):
            return _moment(text, parse_moment(text), node.at)
        case ast.Time(text):
            return _moment(text, parse_time(text), node.at)
        case ast.Empty():
            return EMPTY
        case _:
            return None


def _decimal(text: str, at: int) -> Decimal:
    if len(text) > _DIGITS_LIMIT:
        raise FhirPathError(f"a number of {len(text)} digits, at most {_DIGITS_LIMIT} are allowed", at)
    return Decimal(text)


def _number(text: str, at: int) -> Compiled:
    digits = text.removesuffix("L")
    found = _decimal(digits, at)
    if "." in text:
        return constant(found, DECIMAL)
    # 2147483648 is only meant as the operand of a minus sign
    if int(found) > (INTEGER_RANGE if digits == text else LONG_RANGE).stop:
        raise FhirPathError(f"{text} is out of the range of {'Integer' if digits == text else 'Long'}", at)
    return constant(int(found), INTEGER) if digits == text else constant(Long(digits), LONG)


def _moment(text: str, found: Moment | None, at: int) -> Compiled:
    if found is None:
        raise FhirPathError(f"@{text} is no date or time", at)
    return constant(found, f"System.{found.kind}")
