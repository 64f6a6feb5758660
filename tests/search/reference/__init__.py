"""A second search, written from the sentences of the specification: in memory, slow and obvious.

https://hl7.org/fhir/R4/search.html

Values come from FHIRPath over whole resources, and every question looks at every resource. Nothing is shared
with `fhir_server/search` but the definitions and FHIRPath, so that a search which both answer alike is right,
or both read the specification wrongly. What the specification leaves open is as `docs/search.md` has it.
"""


class Refused(Exception):  # noqa: N818
    """What a server has to answer with 400."""


class Unsure(Exception):  # noqa: N818
    """What the reference cannot tell, as it knows less of the definitions than a server does."""
