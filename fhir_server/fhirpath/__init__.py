"""FHIRPath N1: text, syntax tree and compiled closures.

https://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html
"""

from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.expression import Expression, compile_expression, typed
from fhir_server.fhirpath.outline import outline
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.paths import Located
from fhir_server.fhirpath.printer import print_expression
from fhir_server.fhirpath.scope import Scope

__all__ = [
    "Expression",
    "FhirPathError",
    "Located",
    "Scope",
    "compile_expression",
    "outline",
    "parse",
    "print_expression",
    "typed",
]
