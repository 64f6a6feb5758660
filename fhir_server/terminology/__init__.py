"""Code systems, value sets and concept maps: expansion, validation, lookup, subsumption, translation.

https://hl7.org/fhir/R4/terminology-module.html
"""
