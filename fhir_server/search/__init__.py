"""Search: resources to index rows, search strings to the algebra; one file per parameter type holds both.

https://hl7.org/fhir/R4/search.html
"""
