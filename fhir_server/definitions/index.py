"""The index of a FHIR package: `.index.json`, by which other tools find what is in it.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

from typing import Any

from fhir_server.definitions.packages import Package
from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource, decode

FILE = ".index.json"
_VERSION = 2
_TOLD = ("url", "version", "kind", "type", "supplements", "content", "valueSet", "derivation")


def index(package: Package) -> dict[str, Any]:
    """`{"index-version": 2, "files": [{"filename": …, "resourceType": …, "id": …}]}`, ordered by file name.

    Raises DefinitionError for a file that is not a resource.
    """
    files = [_entry(package, name, body) for name, body in package.files()]
    return {"index-version": _VERSION, "files": sorted(files, key=lambda each: each["filename"])}


def _entry(package: Package, name: str, body: bytes) -> dict[str, Any]:
    resource: Resource = decode(body)
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise DefinitionError(f"{package.name}: {name} is not a resource")
    found = {"filename": name, "resourceType": resource["resourceType"], "id": resource.get("id")}
    told = {each: resource[each] for each in _TOLD if isinstance(resource.get(each), str)}
    return {each: value for each, value in (found | told).items() if value is not None}
