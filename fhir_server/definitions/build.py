"""Make the file of tables from the definitions in a FHIR package.

    python -m fhir_server.definitions.build PACKAGE.tgz [TABLES]

https://hl7.org/fhir/R4/structuredefinition.html, https://hl7.org/fhir/R4/elementdefinition.html

Building twice from the same package gives the same bytes.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fhir_server.definitions.expansion import Codes, expand
from fhir_server.definitions.packages import open_package
from fhir_server.definitions.registry import CORE_TABLES
from fhir_server.definitions.search_parameters import search_parameter
from fhir_server.definitions.tables import Content, TypeRecord, to_bytes
from fhir_server.definitions.types import Binding, Constraint, Element, Operation, SearchParameter, TypeKind
from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource

_TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
_FHIR_TYPE = _TYPE_URL + "structuredefinition-fhir-type"
_REGEX = _TYPE_URL + "regex"
_KINDS: dict[str, TypeKind] = {
    "primitive-type": "primitive",
    "complex-type": "complex",
    "resource": "resource",
}


class Definitional:
    """The definitions of a package, by type and canonical."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_type: dict[str, list[Resource]] = {}
        self._by_url: dict[tuple[str, str], Resource] = {}
        for resource in sorted(resources, key=lambda resource: (resource["resourceType"], resource["id"])):
            self._by_type.setdefault(resource["resourceType"], []).append(resource)
            if "url" in resource:
                self._by_url.setdefault((resource["resourceType"], resource["url"]), resource)

    def of_type(self, resource_type: str) -> list[Resource]:
        return self._by_type.get(resource_type, [])

    def canonical(self, resource_type: str, url: str) -> Resource | None:
        return self._by_url.get((resource_type, url))


def build(resources: Iterable[Resource], release: str) -> Content:
    """The tables of all definitions in `resources`."""
    source = Definitional(resources)
    structures = {
        structure["type"]: structure
        for structure in source.of_type("StructureDefinition")
        # profiles restrict types and logical models describe none
        if structure["kind"] in _KINDS and structure.get("derivation") != "constraint"
    }
    inherited = {
        name: frozenset(constraint["key"] for constraint in _root(structure).get("constraint", ()))
        for name, structure in structures.items()
    }
    constraints: dict[Constraint, int] = {}
    types = tuple(
        tuple(_type_records(structure, inherited, constraints)) for _, structure in sorted(structures.items())
    )
    bound = {
        element.binding.value_set
        for records in types
        for record in records
        for element in record.elements
        if element.binding and element.binding.strength == "required" and element.binding.value_set
    }
    return Content(
        release=release,
        types=types,
        constraints=tuple(constraints),
        search_parameters=tuple(_search_parameters(source)),
        operations=tuple(_operations(source)),
        compartments=dict(_compartments(source)),
        codes={url: _by_system(expand(url, source.canonical)) for url in sorted(bound)},
    )


def _type_records(
    structure: Resource, inherited: Mapping[str, frozenset[str]], numbers: dict[Constraint, int]
) -> Iterator[TypeRecord]:
    """The type that `structure` defines, then the backbone types within it."""
    snapshot: list[dict[str, Any]] = structure["snapshot"]["element"]
    children: dict[str, list[dict[str, Any]]] = {}
    for definition in snapshot[1:]:
        children.setdefault(definition["path"].rpartition(".")[0], []).append(definition)
    kind = _KINDS[structure["kind"]]
    for definition in snapshot:
        path = definition["path"]
        if path != structure["type"] and path not in children:
            continue
        own = path == structure["type"]
        base = structure.get("baseDefinition", "").removeprefix(_TYPE_URL) or None
        yield TypeRecord(
            name=path,
            kind=kind if own else "backbone",
            base=base if own else definition["type"][0]["code"],
            abstract=structure["abstract"] if own else False,
            elements=tuple(
                _element(child, children.keys(), inherited)
                for child in children.get(path, ())
                if not (kind == "primitive" and child["path"] == f"{path}.value")
            ),
            constraints=tuple(
                numbers.setdefault(constraint, len(numbers)) for constraint in _constraints(definition)
            ),
            pattern=_pattern(children.get(path, ())) if kind == "primitive" else None,
        )


def _root(structure: Resource) -> dict[str, Any]:
    found: dict[str, Any] = structure["snapshot"]["element"][0]
    return found


def _element(
    definition: dict[str, Any], parents: Iterable[str], inherited: Mapping[str, frozenset[str]]
) -> Element:
    path = definition["path"]
    name = path.rpartition(".")[2]
    types = (path,) if path in parents else tuple(_type_codes(definition))
    of_types = [inherited.get(code, frozenset(("ele-1",))) for code in types]
    return Element(
        name=name.removesuffix("[x]"),
        types=types,
        min=definition["min"],
        max=None if definition["max"] == "*" else int(definition["max"]),
        # what a specialisation narrows to one stays an array
        many=definition["base"]["max"] not in ("0", "1"),
        choice=name.endswith("[x]"),
        summary=definition.get("isSummary", False),
        modifier=definition.get("isModifier", False),
        binding=_binding(definition),
        targets=_targets(definition),
        constraints=tuple(
            constraint
            for constraint in _constraints(definition)
            if path not in parents and not all(constraint.key in keys for keys in of_types)
        ),
    )


def _type_codes(definition: dict[str, Any]) -> Iterator[str]:
    if "contentReference" in definition:
        yield definition["contentReference"].partition("#")[2]
    for type_ in definition.get("type", ()):
        code: str = type_["code"]
        if definition["base"]["path"] == "Resource.id":
            # R4 says `string` here, the grammar of ids is that of `id`: https://hl7.org/fhir/R4/resource.html
            yield "id"
        elif code.startswith(_SYSTEM_TYPE):
            yield next(
                (found["valueUrl"] for found in type_.get("extension", ()) if found["url"] == _FHIR_TYPE),
                "string",  # xhtml.id does not say
            )
        else:
            yield code


def _binding(definition: dict[str, Any]) -> Binding | None:
    if "binding" not in definition:
        return None
    value_set = definition["binding"].get("valueSet")
    return Binding(definition["binding"]["strength"], value_set and value_set.partition("|")[0])


def _targets(definition: dict[str, Any]) -> tuple[str, ...]:
    """Types that the element may point to; one that may point to any leaves no rule."""
    found: dict[str, None] = {}
    for type_ in definition.get("type", ()):
        if type_["code"] not in ("Reference", "canonical"):
            continue
        names = [profile.removeprefix(_TYPE_URL) for profile in type_.get("targetProfile", ())]
        if not names or "Resource" in names:
            return ()
        found |= dict.fromkeys(names)
    return tuple(found)


def _constraints(definition: dict[str, Any]) -> Iterator[Constraint]:
    for constraint in definition.get("constraint", ()):
        if "expression" not in constraint:
            raise DefinitionError(f"{definition['id']}: constraint {constraint['key']} has no expression")
        yield Constraint(
            constraint["key"], constraint["severity"], constraint["human"], constraint["expression"]
        )


def _pattern(elements: Iterable[dict[str, Any]]) -> str | None:
    for definition in elements:
        for type_ in definition.get("type", ()):
            for extension in type_.get("extension", ()):
                if extension["url"] == _REGEX:
                    return str(extension["valueString"])
    return None


def _search_parameters(source: Definitional) -> Iterator[SearchParameter]:
    """Parameters that apply to a type and can be evaluated; examples of how to write one are left out."""
    for resource in source.of_type("SearchParameter"):
        by_server = resource["code"].startswith("_")
        if resource["id"].startswith("example") or "base" not in resource:
            continue
        if "expression" in resource or by_server:
            yield search_parameter(resource)


def _operations(source: Definitional) -> Iterator[Operation]:
    for resource in source.of_type("OperationDefinition"):
        if resource["kind"] == "operation" and resource["id"] != "example":
            yield Operation(
                code=resource["code"],
                url=resource["url"],
                resource_types=tuple(resource.get("resource", ())),
                system=resource["system"],
                type=resource["type"],
                instance=resource["instance"],
                affects_state=resource.get("affectsState", False),
            )


def _compartments(source: Definitional) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    for resource in source.of_type("CompartmentDefinition"):
        if resource["id"] != "example":
            yield (
                resource["code"],
                {part["code"]: tuple(part["param"]) for part in resource["resource"] if "param" in part},
            )


def _by_system(codes: Codes | None) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if codes is None:
        return None
    found: dict[str, list[str]] = {}
    for system, code in sorted(codes):
        found.setdefault(system, []).append(code)
    return tuple((system, tuple(listed)) for system, listed in found.items())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("package", type=Path, help="a .tgz file or the folder it unpacks to")
    arguments.add_argument("tables", type=Path, nargs="?", default=CORE_TABLES)
    given = arguments.parse_args()
    package = open_package(given.package)
    content = build((resource for _, resource in package.canonicals()), package.manifest["fhirVersions"][0])
    given.tables.write_bytes(to_bytes(content))


if __name__ == "__main__":
    main()
