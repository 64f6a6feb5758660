"""min and max, of elements and of slices.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.min
"""

from fhir_server.validation.profile.finding import NOTHING, Found, problem


def check(count: int, least: int, most: int | None, of: str) -> Found:
    """of: what says so, the canonical of the profile and the slice."""
    if count < least:
        return problem("error", "required", f"found {count}, {of} needs at least {least}", "cardinality-min")
    if most is not None and count > most:
        return problem("error", "structure", f"found {count}, {of} allows at most {most}", "cardinality-max")
    return NOTHING
