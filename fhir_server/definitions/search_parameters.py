"""SearchParameter resources as definitions.

https://hl7.org/fhir/R4/searchparameter.html
"""

from fhir_server.definitions.types import SearchParameter
from fhir_server.resource import Resource


def search_parameter(resource: Resource) -> SearchParameter:
    """The definition in a resource that keeps the base specification."""
    return SearchParameter(
        code=resource["code"],
        url=resource["url"],
        type=resource["type"],
        base=tuple(resource["base"]),
        expression=resource.get("expression"),
        targets=tuple(resource.get("target", ())),
        components=tuple(
            (part["definition"].partition("|")[0], part["expression"])
            for part in resource.get("component", ())
        ),
        multiple_or=resource.get("multipleOr", True),
        multiple_and=resource.get("multipleAnd", True),
        comparators=tuple(resource.get("comparator", ())),
        modifiers=tuple(resource.get("modifier", ())),
        chains=tuple(resource.get("chain", ())),
        description=resource["description"],
        xpath_usage=resource.get("xpathUsage"),
    )
