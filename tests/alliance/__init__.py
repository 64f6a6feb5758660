"""Tests of fhir_server/alliance."""
