"""The definitions of a FHIR package as a read-only layer under the user's store.

    python -m fhir_server.bulk.packages PACKAGE.tgz [CANONICALS]

makes the layer of the core that ships with the server. Every definition in a layer is read and searched like
any resource, and no layer takes room in the user's store.
"""

import argparse
import asyncio
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import cast

import xxhash

from fhir_server.clock import parse_instant
from fhir_server.definitions.npm import configured_registry, fetch, parse_specifier
from fhir_server.definitions.packages import Package, open_package
from fhir_server.definitions.registry import CORE_TABLES, Definitions, load
from fhir_server.outcome import DefinitionError, FhirError, Issue
from fhir_server.resource import Resource, content, decode
from fhir_server.search.compile import criteria
from fhir_server.search.fingerprint import extraction, made_by
from fhir_server.search.index import Indexer
from fhir_server.search.rules import NO_RULES, Rules, encode
from fhir_server.search.words import WORDING
from fhir_server.store.protocol import Content, Reader, Transaction
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite.seal import seal
from fhir_server.store.sqlite.store import SqliteStore, open_store

CORE_CANONICALS = CORE_TABLES.with_name("r4.canonicals")
ALLIANCE_CANONICALS = CORE_TABLES.with_name("alliance.canonicals")
ALLIANCE = "fhir-server.alliance"
"""The name of the package in profiles/, which ships with the server."""
OWN_OPERATIONS = CORE_TABLES.with_name("operations.json")
FOLDER = "packages"
SUFFIX = ".canonicals"

Check = Callable[[Resource], list[Issue]]
"""What is wrong with a resource, as `Validator.check` says it."""

_ID = re.compile(r"[A-Za-z0-9\-.]+")
_ID_LENGTH = 64  # one definition of R4 itself has a longer id; it is cut, for no request could name it
_SHOWN = 5  # of the things that are wrong in a package
_ERRORS = ("fatal", "error")
_READ_AT_ONCE = 4 << 20  # bytes
_DATE = re.compile(r"\d{14}")


@dataclass(frozen=True, slots=True)
class Added:
    name: str
    version: str
    canonicals: int
    left_out: tuple[str, ...]  # why, for definitions of the package that are not in the layer
    path: Path  # of the layer


async def add_package(
    data_folder: Path, source: str, *, indexer: Indexer, check: Check, registry: str | None = None
) -> Added:
    """Add a package, a `.tgz` file or folder or NAME@VERSION, as a layer, in the place of its other versions.

    registry: the URL of an npm registry; None: the one that npm is configured with.
    Raises DefinitionError for a package that is malformed, with the canonical and the element, and FhirError
    for one that is dangerous to unpack.
    """
    folder = data_folder / FOLDER
    package = _found(source, folder, registry)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (_file_name(package.name, package.version) + SUFFIX)
    indexing = indexer.indexing
    made = Rules(made_by=made_by(indexing), extraction=extraction(indexing))
    count, left_out = await make_layer(package, path, indexer, check, made=made)
    for other in folder.glob(_file_name(package.name, "*") + SUFFIX):
        if other != path:
            other.unlink()
    return Added(package.name, package.version, count, left_out, path)


def layer_paths(data_folder: Path, *, alliance: bool = False) -> list[Path]:
    """The layers under the user's store: added packages, then the core.

    alliance: before the core the package that ships with the server, unless one of its name was added.
    """
    added = _added(data_folder)
    shipped = alliance and not any(path.name.startswith(f"{ALLIANCE}@") for path in added)
    return [*added, *([ALLIANCE_CANONICALS] if shipped else []), CORE_CANONICALS]


def _added(data_folder: Path) -> list[Path]:
    return sorted((data_folder / FOLDER).glob(f"*{SUFFIX}"))


def added_packages(data_folder: Path) -> list[tuple[str, str]]:
    """(name, version) of the packages that were added."""
    found = []
    for path in _added(data_folder):
        name, _, version = path.name.removesuffix(SUFFIX).rpartition("@")
        found.append((name.replace("+", "/"), version))
    return found


def package_names(data_folder: Path, *, alliance: bool = False) -> tuple[str, ...]:
    """Another list when other packages, or others of the same name, are there."""
    paths = layer_paths(data_folder, alliance=alliance)[:-1]
    return tuple(f"{path.name} {state(path)}" for path in paths)


def state(path: Path) -> str:
    """Another text when a layer is another: its size, and what is in it when that is read at once."""
    size = path.stat().st_size
    return str(size) if size > _READ_AT_ONCE else f"{size} {xxhash.xxh3_64_hexdigest(path.read_bytes())}"


def is_added(data_folder: Path, source: str) -> bool:
    """Whether this very version of the package is there, so that nothing needs to be fetched."""
    path = Path(source)
    if path.exists():
        package = open_package(path)
        return (package.name, package.version) in added_packages(data_folder)
    return parse_specifier(source) in added_packages(data_folder)


def open_layers(data_folder: Path, indexer: Indexer) -> tuple[SqliteStore, ...]:
    return tuple(_open_layer(path, indexer) for path in layer_paths(data_folder))


async def find_canonical(store: Reader, definitions: Definitions, url: str) -> Resource | None:
    """The definition with this canonical, `url` or `url|version`; None when there is none.

    https://hl7.org/fhir/R4/references.html#canonical; of several versions the one that the store finds first.
    """
    url, _, version = url.partition("|")
    parameters = [("url", _escaped(url))]
    if version:
        parameters.append(("version", _escaped(version)))
    for resource_type in sorted(definitions.resource_types):
        if {"url", "version"} <= definitions.search_parameters(resource_type).keys():
            where = criteria(definitions, resource_type, parameters, "")
            for found in await store.read_many(await store.identities(resource_type, where, 1)):
                return cast(Resource, decode(found.body))
    return None


def _escaped(text: str) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    return re.sub(r"([\\,$|])", r"\\\1", text)


def _open_layer(path: Path, indexer: Indexer) -> SqliteStore:
    return open_store(path, extract=indexer.extract, wording=WORDING, clock=lambda: 0, readonly=True)


def _found(source: str, folder: Path, registry: str | None) -> Package:
    if Path(source).exists():
        return open_package(Path(source))
    name, version = parse_specifier(source)
    return open_package(fetch(name, version, folder, configured_registry(registry)))


def _file_name(name: str, version: str) -> str:
    """`name@version`; both are checked, for they come from the package."""
    for part in (name, version):
        if part != "*" and (not re.fullmatch(r"[\w.@+/-]+", part) or ".." in part or part.startswith("/")):
            raise DefinitionError(f"{part!r} is no name or version of a package")
    return f"{name.replace('/', '+')}@{version.replace('/', '+')}"


def own_definitions() -> list[tuple[str, Resource]]:
    """(file, OperationDefinition) of the operations that this server has beyond R4."""
    return [(OWN_OPERATIONS.name, resource) for resource in decode(OWN_OPERATIONS.read_bytes())]


_SPARED = frozenset(("ImplementationGuide", "NamingSystem"))


async def make_layer(
    package: Package,
    path: Path,
    indexer: Indexer,
    check: Check,
    beside: Iterable[tuple[str, Resource]] = (),
    made: Rules = NO_RULES,
) -> tuple[int, tuple[str, ...]]:
    """Write the definitions of `package` into a store's file that nobody writes again.

    beside: (file, resource) of definitions that are kept with them.
    made: what the index is made by, for a layer that may outlive this release.
    Returns how many there are, and why others were left out.
    """
    kept = _kept(package, beside)
    canonicals, left_out = _checked(package, kept, indexer.definitions.resource_types, check)
    instant_ms = _published(package, (resource for _, resource in canonicals))
    # the file appears whole or not at all
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    _remove(partial)
    try:
        store = open_store(partial, extract=indexer.extract, clock=lambda: instant_ms)
        try:
            await store.transaction(lambda tx: _put_all(tx, package, canonicals, indexer))
            if made is not NO_RULES:
                await store.transaction(lambda tx: tx.set_rules(encode(made)))
        finally:
            await store.close()
        seal(partial)
        partial.replace(path)
    finally:
        _remove(partial)
    return len(canonicals), tuple(left_out)


def _remove(partial: Path) -> None:
    """The file and what a store keeps beside it."""
    for path in partial.parent.glob(f"{partial.name}*"):
        path.unlink()


def _kept(package: Package, beside: Iterable[tuple[str, Resource]]) -> list[tuple[str, Resource]]:
    """(file, resource as the layer keeps it) of every definition, ordered by type and id."""
    found: dict[tuple[str, str], tuple[str, Resource]] = {}
    for file, resource in chain(package.canonicals(), beside):
        resource_type, id_ = resource["resourceType"], resource.get("id")
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            raise DefinitionError(
                f"{package.name}: {file}: {resource_type}.id is {id_!r}, which is not an id"
            )
        kept = {name: value for name, value in resource.items() if name != "text"} | {"id": id_[:_ID_LENGTH]}
        found.setdefault((resource_type, kept["id"]), (file, kept))
    return [found[identity] for identity in sorted(found)]


def _checked(
    package: Package, canonicals: list[tuple[str, Resource]], resource_types: frozenset[str], check: Check
) -> tuple[list[tuple[str, Resource]], list[str]]:
    """Those that can be kept, and why others are left out; raises DefinitionError for a broken definition.

    Left out are types of a later release, an ImplementationGuide that speaks of them: it describes how the
    package was published, and the server acts on none of it; and a NamingSystem that is wrong: nothing leans
    on one, and HL7's own hl7.terminology.r4 7.0.1 has two.
    """
    kept, left_out, wrong = [], [], []
    for file, resource in canonicals:
        where = f"{package.name}: {resource.get('url', file)}"
        if resource["resourceType"] not in resource_types:
            left_out.append(f"{where}: there is no type {resource['resourceType']}")
            continue
        found = [f"{where}: {_text(issue)}" for issue in check(resource) if issue.severity in _ERRORS]
        if not found:
            kept.append((file, resource))
        elif resource["resourceType"] in _SPARED:
            left_out.append(found[0])
        else:
            wrong += found
    if wrong:
        more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise DefinitionError("\n".join([*wrong[:_SHOWN], *more]))
    return kept, left_out


def _text(issue: Issue) -> str:
    """What is wrong, with the element; most diagnostics begin with it."""
    at = issue.expression
    return issue.diagnostics if at is None or at in issue.diagnostics else f"{at}: {issue.diagnostics}"


async def _put_all(
    tx: Transaction, package: Package, canonicals: list[tuple[str, Resource]], indexer: Indexer
) -> None:
    for file, resource in canonicals:
        try:
            rows = _ordered(indexer.rows(resource))
        except FhirError as error:
            raise DefinitionError(f"{package.name}: {resource.get('url', file)}: {error}") from None
        found = Content(resource["resourceType"], resource["id"], content(resource), rows)
        await tx.put(found, method="PUT")


def _ordered(rows: Rows) -> Rows:
    """References in an order that does not change from process to process, as that of a set of text does.

    The store numbers targets as they come; so the same package always gives the same bytes.
    """
    ordered = dict.fromkeys(sorted(rows.references)).keys()
    return replace(rows, references=cast(set[tuple[str, str, str]], ordered))


def _published(package: Package, resources: Iterable[Resource]) -> int:
    """When the package was made, as it or the newest of its definitions says; else the epoch."""
    date = package.manifest.get("date")
    if isinstance(date, str) and _DATE.fullmatch(date):
        day, time = f"{date[:4]}-{date[4:6]}-{date[6:8]}", f"{date[8:10]}:{date[10:12]}:{date[12:]}"
        return parse_instant(f"{day}T{time}Z")
    return max((_updated(resource) for resource in resources), default=0)


def _updated(resource: Resource) -> int:
    try:
        return parse_instant(resource["meta"]["lastUpdated"])
    except (KeyError, TypeError, ValueError):
        return 0


def main() -> None:
    arguments = argparse.ArgumentParser(
        description="Make the layer of definitions that ships with the server"
    )
    arguments.add_argument("package", type=Path, help="a .tgz file or the folder it unpacks to")
    arguments.add_argument("canonicals", type=Path, nargs="?", default=CORE_CANONICALS)
    given = arguments.parse_args()
    # the core is where the rules come from: it is not checked by them
    package, own = open_package(given.package), own_definitions()
    asyncio.run(make_layer(package, given.canonicals, Indexer(load()), lambda _: [], own))


if __name__ == "__main__":
    main()
