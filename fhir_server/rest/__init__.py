"""FHIR over HTTP: bytes in, bytes out, as one plain ASGI application.

https://hl7.org/fhir/R4/http.html
"""
