"""All functions by name: the index of the sections."""

from fhir_server.fhirpath import (
    boolean,
    combining,
    conversion,
    existence,
    extension,
    external,
    filtering,
    html,
    math,
    reference,
    strings,
    subsetting,
    tree,
    types,
    utility,
)
from fhir_server.fhirpath.call import Function
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.suggestion import nearest

FUNCTIONS: dict[str, Function] = {
    **existence.FUNCTIONS,
    **filtering.FUNCTIONS,
    **types.FUNCTIONS,
    **subsetting.FUNCTIONS,
    **combining.FUNCTIONS,
    **conversion.FUNCTIONS,
    **strings.FUNCTIONS,
    **math.FUNCTIONS,
    **tree.FUNCTIONS,
    **utility.FUNCTIONS,
    **boolean.FUNCTIONS,
    **extension.FUNCTIONS,
    **reference.FUNCTIONS,
    **external.FUNCTIONS,
    **html.FUNCTIONS,
}

# of FHIR R4 and of FHIRPath after N1; a name here is an error that says so
NOT_YET = frozenset(
    (
        "elementDefinition", "slice", "checkModifiers", "subsumes", "subsumedBy", "lowBoundary",
        "highBoundary", "precision", "comparable", "defineVariable", "sort", "coalesce", "encode", "decode",
        "escape", "unescape", "split", "join", "trim", "matchesFull", "lastIndexOf", "repeatAll", "toLong",
        "convertsToLong", "duration", "difference",
    )
)  # fmt: skip


def function(name: str, count: int, at: int) -> Function:
    """The function with this name; raises FhirPathError, also when it does not take `count` arguments."""
    found = FUNCTIONS.get(name)
    if found is None:
        if name in NOT_YET:
            raise FhirPathError(f"{name}() is not supported yet", at)
        near = nearest(name, FUNCTIONS)
        raise FhirPathError(
            f"there is no function {name}()" + (f", did you mean {near[0]}()?" if near else ""), at
        )
    if not found.least <= count <= found.most:
        takes = str(found.least) if found.least == found.most else f"{found.least} to {found.most}"
        raise FhirPathError(f"{name}() takes {takes} arguments, found {count}", at)
    return found
