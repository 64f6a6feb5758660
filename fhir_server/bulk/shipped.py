"""The package of the alliance: its files, and what is made from them.

    python -m fhir_server.bulk.shipped

makes the ImplementationGuide, the index, the layer that ships with the server and the pages in docs/ anew,
after a file in profiles/ was changed. A test tells when that was forgotten.
"""

import asyncio
import json
from pathlib import Path

from fhir_server.bulk.guide import file_of, guide
from fhir_server.bulk.packages import ALLIANCE_CANONICALS, CORE_CANONICALS, make_layer
from fhir_server.bulk.profile_pages import write_pages
from fhir_server.definitions.index import FILE, index
from fhir_server.definitions.packages import Package, open_package
from fhir_server.definitions.registry import load
from fhir_server.resource import Resource, decode
from fhir_server.search.index import Indexer
from fhir_server.store.algebra import Everything
from fhir_server.store.sqlite.store import open_store
from fhir_server.validation.structure import Validator

_HERE = Path(__file__).parents[1]
_CHECKOUT = _HERE.parent / "profiles"
PAGES = _HERE.parent / "docs" / "profiles"
_ALL = 1_000_000


def folder() -> Path:
    """Where the files of the package are: in a checkout at its top, in an installation beside the code."""
    return _CHECKOUT if _CHECKOUT.is_dir() else _HERE / "profiles"


def write_guide(package: Package) -> None:
    text = json.dumps(guide(package), ensure_ascii=False, indent=2)
    file_of(package).write_text(f"{text}\n", encoding="utf-8")


def write_index(package: Package) -> None:
    """One file a line, so that a change of the package is a change of a line."""
    found = index(package)
    lines = ",\n".join(f"    {json.dumps(each, ensure_ascii=False)}" for each in found["files"])
    text = f'{{\n  "index-version": {found["index-version"]},\n  "files": [\n{lines}\n  ]\n}}\n'
    (package.path / FILE).write_text(text, encoding="utf-8")


async def structures(layer: Path, indexer: Indexer) -> dict[str, Resource]:
    """The StructureDefinitions of a layer, by url."""
    store = open_store(layer, extract=indexer.extract, clock=lambda: 0, readonly=True)
    try:
        identities = await store.identities("StructureDefinition", Everything(), _ALL)
        found = [decode(version.body) for version in await store.read_many(identities)]
    finally:
        await store.close()
    return {each["url"]: each for each in found}


async def make(package: Package) -> None:
    definitions = load()
    indexer = Indexer(definitions)
    write_guide(package)  # which stands in the index
    write_index(package)
    await make_layer(package, ALLIANCE_CANONICALS, indexer, Validator(definitions).check)
    write_pages(package, await structures(CORE_CANONICALS, indexer), PAGES)


def main() -> None:
    asyncio.run(make(open_package(folder())))


if __name__ == "__main__":
    main()
