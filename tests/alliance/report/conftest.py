from tests.interactions.conftest import fhir

__all__ = ["fhir"]
