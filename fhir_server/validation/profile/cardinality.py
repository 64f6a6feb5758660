"""min and max, of elements and of slices.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.min
"""

from fhir_server.validation.profile.run import Run


def check(run: Run, count: int, least: int, most: int | None, at: str, of: str) -> None:
    """of: what says so, the canonical of the profile and the slice."""
    if count < least:
        run.report("error", "required", f"found {count}, {of} needs at least {least}", at, "cardinality-min")
    elif most is not None and count > most:
        run.report("error", "structure", f"found {count}, {of} allows at most {most}", at, "cardinality-max")
