"""What the engine answers, in the form that the files of answers have."""

import json
from functools import cache
from typing import Any

from fhir_server import resource
from fhir_server.fhirpath import Expression, FhirPathError, compile_expression
from tests.examples import official_examples
from tests.fhirpath.oracle.ask import definitions


@cache
def example(file: str) -> dict[str, Any]:
    text = next(text for name, text in official_examples() if name == file)
    found: dict[str, Any] = resource.decode(text)
    return found


def compiled(expression: str, type_name: str | None) -> Expression:
    return compile_expression(expression, definitions(), type_name)


def as_json(values: list[Any]) -> list[Any]:
    """Numbers as floats, as an oracle in JavaScript has them."""
    found: list[Any] = json.loads(resource.encode(values))
    return found


def answer(expression: str, each: dict[str, Any]) -> list[Any] | str:
    """The values of an expression; the text of the error, when it is one."""
    try:
        return as_json(compiled(expression, each["resourceType"]).evaluate(each))
    except FhirPathError as error:
        return str(error)


def untyped_answer(expression: str, each: dict[str, Any]) -> list[Any] | str:
    """The same from an expression that is compiled without a type."""
    try:
        return as_json(compiled(expression, None).evaluate(each))
    except FhirPathError as error:
        return str(error)
