"""capabilities: what this server can do, made from the tables that it works by.

https://hl7.org/fhir/R4/http.html#capabilities, https://hl7.org/fhir/R4/capabilitystatement.html
"""

import re
from typing import Any
from weakref import WeakKeyDictionary

import xxhash

from fhir_server import __version__
from fhir_server.config import Settings
from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import SearchParameter
from fhir_server.interactions.context import Context
from fhir_server.interactions.integrity import is_kept
from fhir_server.interactions.operations import OPERATIONS
from fhir_server.interactions.preconditions import lists_tag
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.table import Table
from fhir_server.interactions.terminology_capabilities import about_terminology
from fhir_server.outcome import bad_value
from fhir_server.resource import Resource, decode, encode
from fhir_server.search.custom import being_built
from fhir_server.search.special import UNDECLARED
from fhir_server.store.protocol import Version
from fhir_server.terminology.snapshot import Snapshot

RELEASED = "2026-11-28"
"""The day on which the statement last changed otherwise than by settings."""

MODES = ("full", "normative", "terminology")

NORMATIVE = frozenset(
    (
        "Binary", "Bundle", "CapabilityStatement", "CodeSystem", "Observation", "OperationDefinition",
        "OperationOutcome", "Parameters", "Patient", "StructureDefinition", "ValueSet",
    )
)  # fmt: skip
"""https://hl7.org/fhir/R4/resourcelist.html"""

_BASE = "[base]"  # stands for the base URL, which differs from request to request
_LINE = re.compile(r"\* \[(\w+)\]\([^)]*\): (.*)")
_LEVELS = {"system": "system", "type": "type", "instance": "type", "version": "type"}


# settings, mode, operations of what is built on this, what it implements
_Key = tuple[Settings, str, tuple[str, ...], tuple[Version, ...]]


class Capabilities:
    """Answers /metadata. A statement is made when it is first asked for, and kept as bytes."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._kept: WeakKeyDictionary[Definitions, dict[_Key, tuple[bytes, bytes, str]]]
        self._kept = WeakKeyDictionary()
        self._of_snapshot: WeakKeyDictionary[Snapshot, tuple[bytes, bytes, str]] = WeakKeyDictionary()

    async def answer(self, context: Context, request: Request) -> Response:
        mode = next((value for name, value in request.parameters if name == "mode"), "full")
        if mode not in MODES:
            raise bad_value(f"mode is {mode!r}, it can be {', '.join(MODES)}")
        if mode == "terminology":
            before, after, digest = await self._terminology(context)
        else:
            before, after, digest = await self._statement(context, mode)
        headers = {"ETag": f'W/"{digest}"'}
        if request.if_none_match is not None and lists_tag(request.if_none_match, digest):
            return Response(304, headers=headers)
        return Response(200, body=before + encode(request.base_url or "/") + after, headers=headers)

    async def _statement(self, context: Context, mode: str) -> tuple[bytes, bytes, str]:
        kept = self._kept.setdefault(context.definitions, {})
        identities = [("CapabilityStatement", id_) for id_ in context.implements]
        implemented = tuple(await context.store.read_many(identities)) if identities else ()
        key = context.settings, mode, tuple(context.operations), implemented
        if key not in kept:
            statement = _Statement(context, self._table, mode == "normative", implemented)
            kept[key] = _parted(statement.resource())
        return kept[key]

    async def _terminology(self, context: Context) -> tuple[bytes, bytes, str]:
        """It names the code systems that are there, so it is good until a definition changes."""
        snapshot = await context.terminology.snapshot()
        found = self._of_snapshot.get(snapshot)
        if found is None:
            found = _parted(_head("TerminologyCapabilities") | await about_terminology(snapshot))
            self._of_snapshot[snapshot] = found
        return found


def _parted(statement: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """What stands before and after the base URL, and a digest."""
    before, after = encode(statement).split(f'"{_BASE}"'.encode(), 1)
    return before, after, xxhash.xxh3_64_hexdigest(before + after)


def _head(resource_type: str) -> dict[str, Any]:
    return {
        "resourceType": resource_type,
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": "fhir-server", "version": __version__},
        "implementation": {"description": "FHIR server", "url": _BASE},
    }


class _Statement:
    """One CapabilityStatement in the making."""

    def __init__(
        self, context: Context, table: Table, normative: bool, implemented: tuple[Version, ...]
    ) -> None:
        self._definitions = context.definitions
        self._settings = context.settings
        self._all_operations = {**OPERATIONS, **context.operations}
        self._table = table
        self._normative = normative
        self._types = sorted(
            name for name in context.definitions.resource_types if not normative or name in NORMATIVE
        )
        statements = [decode(each.body) for each in implemented]
        self._instantiates = [each["url"] for each in statements if "url" in each]
        self._profiles = _supported(statements)
        self._unusable = being_built(context.definitions)
        self._parameters = {name: self._usable(name) for name in self._types}
        self._links = [(name, parameter) for name in self._types for parameter in self._references(name)]

    def resource(self) -> dict[str, Any]:
        rest = {
            "mode": "server",
            "security": {"cors": bool(self._settings.cors_origins)},
            "resource": [self._of_type(name) for name in self._types],
            "interaction": self._codes("system"),
            "searchParam": self._common(),
            "operation": self._operations(None),
        }
        return _present(_head("CapabilityStatement") | {"instantiates": self._instantiates}) | {
            "fhirVersion": self._definitions.release,
            "format": ["application/fhir+json", "json"],
            "patchFormat": ["application/json-patch+json", "application/fhir+json"],
            "rest": [_present(rest)],
        }

    def _of_type(self, name: str) -> dict[str, Any]:
        includes = [f"{name}:{parameter.code}" for parameter in self._references(name)]
        found = {
            "type": name,
            "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
            "supportedProfile": self._profiles.get(name, []),
            "interaction": self._codes("type"),
            "versioning": "versioned-update" if name in self._settings.versioned_update else "versioned",
            "readHistory": True,
            "updateCreate": True,
            **({} if self._normative else self._conditional()),
            "referencePolicy": ["literal", "logical", *self._enforced(name)],
            "searchInclude": ["*", *includes],
            "searchRevInclude": [
                "*",
                *(
                    f"{source}:{parameter.code}"
                    for source, parameter in self._links
                    if not parameter.targets or name in parameter.targets
                ),
            ],
            "searchParam": [_search_parameter(each, name) for each in self._parameters[name]],
            "operation": self._operations(name),
        }
        return _present(found)

    def _conditional(self) -> dict[str, Any]:
        """Trial use in R4, where what is around it is normative."""
        return {
            "conditionalCreate": True,
            "conditionalRead": "full-support",
            "conditionalUpdate": True,
            "conditionalDelete": self._settings.conditional_delete,
        }

    def _codes(self, level: str) -> list[dict[str, str]]:
        shapes = (shape for shape in self._table if _LEVELS.get(shape.partition("/")[0]) == level)
        codes = (code for shape in shapes for each in self._table[shape].values() for code in each.codes)
        return [{"code": code} for code in codes]

    def _enforced(self, name: str) -> list[str]:
        return ["enforced"] if is_kept(self._settings, name) else []

    def _references(self, name: str) -> list[SearchParameter]:
        return [parameter for parameter in self._parameters[name] if parameter.type == "reference"]

    def _common(self) -> list[dict[str, str]]:
        """The parameters of every resource, for searches over all types."""
        return [*(_search_parameter(each) for each in self._usable("Resource")), *_UNDEFINED]

    def _operations(self, resource_type: str | None) -> list[dict[str, str]]:
        """Those of a type, or (None) those of the system."""
        return [
            {"name": code, "definition": operation.definition_of(resource_type)}
            for code, operation in sorted(self._all_operations.items())
            if operation.concerns(resource_type)
        ]

    def _usable(self, name: str) -> list[SearchParameter]:
        parameters = self._definitions.search_parameters(name).values()
        return [each for each in parameters if each.code not in UNDECLARED and each.url not in self._unusable]


def _supported(statements: list[Resource]) -> dict[str, list[str]]:
    """By resource type, the profiles that statements name for servers, each once."""
    found: dict[str, dict[str, None]] = {}
    for statement in statements:
        for rest in statement.get("rest", ()):
            for each in rest.get("resource", ()) if rest["mode"] == "server" else ():
                found.setdefault(each["type"], {}).update(dict.fromkeys(each.get("supportedProfile", ())))
    return {resource_type: list(profiles) for resource_type, profiles in found.items()}


_UNDEFINED = [
    {"name": "_has", "type": "special", "documentation": "What resources that refer to this one are like"},
    {"name": "_list", "type": "special", "documentation": "The id of a List that refers to the resource"},
]
"""Parameters of every resource of which R4 has no SearchParameter."""


def _present(found: dict[str, Any]) -> dict[str, Any]:
    """FHIR has no empty arrays."""
    return {name: value for name, value in found.items() if value != []}


def _search_parameter(parameter: SearchParameter, resource_type: str | None = None) -> dict[str, str]:
    return {
        "name": parameter.code,
        "definition": parameter.url,
        "type": parameter.type,
        "documentation": _documentation(parameter.description, resource_type),
    }


def _documentation(text: str, resource_type: str | None) -> str:
    """The line about the type, of a text that has one for each: `* [Patient](patient.html): A name`."""
    lines = dict(_LINE.findall(text))
    return (lines.get(resource_type or "") or text).strip()
