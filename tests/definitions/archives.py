"""FHIR packages made for a test."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MANIFEST = {
    "name": "org.example.test",
    "version": "1.0.0",
    "fhirVersions": ["4.0.1"],
    "date": "20240229112233",
}

Entry = tuple[str, bytes]


def files(*resources: dict[str, Any], manifest: dict[str, Any] | None = None) -> list[Entry]:
    """The entries of a package with these resources."""
    named = [(f"{each['resourceType']}-{each['id']}.json", each) for each in resources]
    return [
        (f"package/{name}", json.dumps(value).encode())
        for name, value in [("package.json", MANIFEST if manifest is None else manifest), *named]
    ]


def archive(path: Path, entries: Iterable[Entry], *headers: tarfile.TarInfo) -> Path:
    """A .tgz with these files, and these headers of no content."""
    with tarfile.open(path, "w:gz") as tar:
        for name, body in entries:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for header in headers:
            tar.addfile(header)
    return path


def folder(path: Path, entries: Iterable[Entry]) -> Path:
    for name, body in entries:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(body)
    return path
