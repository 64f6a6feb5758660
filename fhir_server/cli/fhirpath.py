"""fhir-server fhirpath"""

import sys
from typing import BinaryIO

import click

from fhir_server.cli.common import FAILED


@click.command()
@click.option("--context", "where", help="FHIRPath of the elements that the expression starts from")
@click.argument("expression")
@click.argument("file", type=click.File("rb"))
def fhirpath(where: str | None, expression: str, file: BinaryIO) -> None:
    """Evaluate EXPRESSION on the resource in FILE (- is the standard input): a line for each item.

    Functions that ask a server (resolve() of other resources, memberOf()) find nothing, or are errors.
    """
    from fhir_server.definitions import registry
    from fhir_server.fhirpath import FhirPathError, compile_expression
    from fhir_server.outcome import FhirError
    from fhir_server.resource import encode, parse

    definitions = registry.load()
    try:
        resource = parse(file.read())
        items = [(str(resource.get("resourceType")), resource)]
        if where is not None:
            items = compile_expression(where, definitions).typed(resource)
        for type_, item in items:
            known = type_ if definitions.has_type(type_) else None
            compiled = compile_expression(expression, definitions, known)
            for found_type, value in compiled.typed(resource, context=item):
                click.echo(f"{found_type}\t{encode(value).decode()}")
    except (FhirPathError, FhirError) as error:
        click.echo(str(error), err=True)
        sys.exit(FAILED)
