"""All functions by name: the index of the sections."""

from fhir_server.fhirpath import (
    aggregates,
    boolean,
    boundaries,
    combining,
    comparison,
    components,
    conversion,
    encoding,
    existence,
    extension,
    external,
    filtering,
    html,
    intervals,
    math,
    paths,
    reference,
    sorting,
    strings,
    subsetting,
    tree,
    types,
    utility,
    variables,
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
    **aggregates.FUNCTIONS,
    **comparison.FUNCTIONS,
    **tree.FUNCTIONS,
    **utility.FUNCTIONS,
    **variables.FUNCTIONS,
    **paths.FUNCTIONS,
    **boundaries.FUNCTIONS,
    **components.FUNCTIONS,
    **intervals.FUNCTIONS,
    **encoding.FUNCTIONS,
    **sorting.FUNCTIONS,
    **boolean.FUNCTIONS,
    **extension.FUNCTIONS,
    **reference.FUNCTIONS,
    **external.FUNCTIONS,
    **html.FUNCTIONS,
}


def function(name: str, count: int, at: int) -> Function:
    """The function with this name; raises FhirPathError, also when it does not take `count` arguments."""
    found = FUNCTIONS.get(name)
    if found is None:
        near = nearest(name, FUNCTIONS)
        raise FhirPathError(
            f"there is no function {name}()" + (f", did you mean {near[0]}()?" if near else ""), at
        )
    if not found.least <= count <= found.most:
        takes = str(found.least) if found.least == found.most else f"{found.least} to {found.most}"
        raise FhirPathError(f"{name}() takes {takes} arguments, found {count}", at)
    return found
