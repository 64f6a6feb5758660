"""The store: bytes of resources, their index rows, one change log. It knows nothing of FHIR's meaning."""
