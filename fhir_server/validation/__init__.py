"""What a resource must be to be written: rules compiled from definitions, one file per rule.

https://hl7.org/fhir/R4/validation.html

`accept.py` compiles a type to a predicate that is fast and says only yes or perhaps not; `explain.py` walks
the definitions, slowly, and says what is wrong and where. Both use the rules of the other files.
"""
