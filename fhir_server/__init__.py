"""A FHIR R4 interoperability server for regional hospital alliances."""

__version__ = "0.1.0"
