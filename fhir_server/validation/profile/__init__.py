"""What a profile says of its elements: snapshots compiled to closures, one file per ElementDefinition word.

https://hl7.org/fhir/R4/profiling.html, https://hl7.org/fhir/R4/elementdefinition.html

The base specification is checked before (`structure.py`); here is only what a profile says beyond it, so an
element on which a profile says nothing costs nothing. A run is synchronous; what it has to ask of a store or
a terminology is asked through `library.py`, which tells what is missing.
"""
