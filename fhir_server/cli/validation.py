"""fhir-server validate"""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_server.cli.common import (
    FAILED,
    WRONG_USE,
    prepare,
    progress,
    read_settings,
    settings_options,
    stop,
    within,
)
from fhir_server.cli.packages import add_package
from fhir_server.config import Settings

if TYPE_CHECKING:
    from fhir_server.app import OpenContext
    from fhir_server.bulk.validation import Validated

_FORMATS = ("text", "json", "html", "junit")


@click.command()
@settings_options("data", "npm_registry", "unknown_profiles")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    help="Canonical of a profile that every resource is checked against",
)
@click.option(
    "--package",
    "packages",
    multiple=True,
    help="FHIR package to use beside those in the data folder: .tgz, folder or NAME@VERSION",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="text",
    help="How to tell what was found [default: text]",
)
@click.argument("paths", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
def validate(
    config: Path | None,
    profiles: tuple[str, ...],
    packages: tuple[str, ...],
    format_: str,
    paths: tuple[Path, ...],
    **flags: object,
) -> None:
    """Validate files: JSON and NDJSON, .gz too, and folders. Nothing is kept; exit code 1 for errors."""
    settings = read_settings(config, flags)
    from fhir_server.bulk.reports import FORMATS

    with tempfile.TemporaryDirectory() as folder:
        parts = prepare(replace(settings, data=folder))
        _use_packages(settings, Path(folder))
        for source in packages:
            add_package(parts, source, quiet=True)
        found: list[Validated] = within(parts, lambda opened: _validated(opened, paths, profiles))
    for text in FORMATS[format_](found):
        click.echo(text)
    failed = sum(one.failed for one in found)
    click.echo(f"{len(found):,} resources, {failed:,} with errors", err=True)
    sys.exit(FAILED if failed else 0)


def _use_packages(settings: Settings, folder: Path) -> None:
    """Those of the data folder, beside a store that is thrown away: the server may be running on its own."""
    from fhir_server.bulk.packages import FOLDER

    added = settings.data_folder / FOLDER
    if added.is_dir():
        shutil.copytree(added, folder / FOLDER)


async def _validated(
    opened: "OpenContext", paths: tuple[Path, ...], profiles: tuple[str, ...]
) -> "list[Validated]":
    from fhir_server.bulk.files import UnknownFileError, sources
    from fhir_server.bulk.validation import validate as validate_files

    found = []
    try:
        total, before, last = sum(source.size_bytes for source in sources(paths)), 0, 0
        with progress("B") as show:
            name = None
            async for one in validate_files(opened.context, paths, profiles):
                before, name = (before + last, one.file) if one.file != name else (before, name)
                last = one.read_bytes
                show(before + last, total)
                found.append(one)
    except UnknownFileError as error:
        stop(str(error), WRONG_USE)
    return found
