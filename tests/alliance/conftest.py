"""A server without HTTP, for rules: `fhir("PUT", "Patient/1", {...})`."""

from tests.interactions.conftest import fhir

__all__ = ["fhir"]
