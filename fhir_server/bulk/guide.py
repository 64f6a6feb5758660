"""The ImplementationGuide of a package: what is in it, for tools and people that ask a FHIR server for it.

https://hl7.org/fhir/R4/implementationguide.html
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_server.definitions.packages import Package
from fhir_server.resource import Resource, decode

TYPE = "ImplementationGuide"
_EXAMPLES = "examples"
_GUIDES = {"hl7.fhir.r4.core": f"http://hl7.org/fhir/{TYPE}/fhir"}
"""Canonical of the ImplementationGuide that a package on which ours depends has."""
_GROUPS = {
    "actors": "参与方 / Actors",
    "profiles": "规范 / Profiles",
    "extensions": "扩展 / Extensions",
    "terminology": "术语 / Terminology",
    "identifiers": "标识 / Identifiers",
    "search": "检索 / Search parameters",
    "operations": "操作 / Operations",
    "measures": "指标与问卷 / Measures and questionnaires",
    "examples": "示例 / Examples",
}
_GROUP_OF = {
    "CapabilityStatement": "actors", "CodeSystem": "terminology", "ValueSet": "terminology",
    "NamingSystem": "identifiers", "SearchParameter": "search", "OperationDefinition": "operations",
    "Measure": "measures", "Questionnaire": "measures",
}  # fmt: skip


def file_of(package: Package) -> Path:
    return package.path / f"{TYPE}-{package.name}.json"


def guide(package: Package) -> Resource:
    """Made from the manifest and the files of the package; the guide itself is not in its list."""
    manifest = package.manifest
    canonicals = [each for _, each in package.canonicals() if each["resourceType"] != TYPE]
    listed = [*map(_defined, canonicals), *_examples(package.path)]
    used = {each["groupingId"] for each in listed}
    date = manifest["date"]
    return {
        "resourceType": TYPE,
        "id": package.name,
        "language": "zh-CN",
        "url": f"{manifest['canonical']}/{TYPE}/{package.name}",
        "version": package.version,
        "name": "".join(part.capitalize() for part in package.name.replace(".", "-").split("-")),
        "title": manifest["title"],
        "status": "active",
        "experimental": False,
        "date": f"{date[:4]}-{date[4:6]}-{date[6:8]}",
        "publisher": next(each["publisher"] for each in canonicals if "publisher" in each),
        "description": manifest["description"],
        "packageId": package.name,
        "license": manifest["license"],
        "fhirVersion": manifest["fhirVersions"],
        "dependsOn": [
            {"id": name.replace(".", "_"), "uri": _GUIDES[name], "packageId": name, "version": version}
            for name, version in manifest["dependencies"].items()
        ],
        "definition": {
            "grouping": [{"id": id_, "name": name} for id_, name in _GROUPS.items() if id_ in used],
            "resource": listed,
        },
    }


def _defined(resource: Resource) -> dict[str, Any]:
    found = {
        "reference": {"reference": f"{resource['resourceType']}/{resource['id']}"},
        "name": resource.get("title") or resource["name"],
        "description": resource.get("description"),
        "exampleBoolean": False,
        "groupingId": _group(resource),
    }
    return {name: value for name, value in found.items() if value is not None}


def _group(resource: Resource) -> str:
    if resource["resourceType"] == "StructureDefinition":
        return "extensions" if resource["type"] == "Extension" else "profiles"
    return _GROUP_OF[resource["resourceType"]]


def _examples(folder: Path) -> Iterator[dict[str, Any]]:
    """Those that keep the profiles which they claim."""
    for path in sorted((folder / _EXAMPLES).glob("*.json")):
        resource = decode(path.read_bytes())
        name = f"{resource['resourceType']}/{resource['id']}"
        yield {
            "reference": {"reference": name},
            "name": name,
            "exampleCanonical": resource["meta"]["profile"][0],
            "groupingId": "examples",
        }
