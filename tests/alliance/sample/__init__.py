"""Tests of fhir_server/alliance/sample."""
