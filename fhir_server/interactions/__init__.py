"""One file per FHIR interaction; `write.py` is the gate through which every change passes.

https://hl7.org/fhir/R4/http.html
"""
