"""A package of definitions under another base URL, for who publishes it as their own."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from fhir_server.definitions.packages import MANIFEST, open_package
from fhir_server.outcome import DefinitionError

_BASE = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~-]+)*")


def rebase(source: Path, base: str, target: Path) -> int:
    """Copy a package, a folder, to `target` with every URL below its `canonical` moved to `base`.

    Examples are moved with the rest; answers how many files. Raises DefinitionError when `base` is no base,
    when the package does not say its own (`canonical` in package.json), when one begins with the other, and
    when `target` is there.
    """
    package = open_package(source)
    old = package.manifest.get("canonical")
    if not isinstance(old, str) or not _BASE.fullmatch(old):
        raise DefinitionError(f"{package.name}: {MANIFEST} names no canonical, the base of its URLs")
    if not _BASE.fullmatch(base):
        raise DefinitionError(f"{base!r} is not a base: an http or https URL without a / at its end")
    if base.startswith(old) or old.startswith(base):
        raise DefinitionError(f"{base} and {old} begin alike: what is moved could not be told from the rest")
    if target.exists():
        raise DefinitionError(f"{target} is there already")
    count = 0
    for path in _files(source):
        text = path.read_text(encoding="utf-8").replace(old, base)
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        shutil.copymode(path, copy)
        count += 1
    return count


def _files(source: Path) -> Iterator[Path]:
    return (path for path in sorted(source.rglob("*")) if path.is_file() and not path.is_symlink())
