"""FHIR as data: types, search parameters, compartments, operations and codes of one release."""
