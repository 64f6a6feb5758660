"""fhir-server packages add, fhir-server packages list, fhir-server packages rebase"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_server.cli.common import prepare, read_settings, settings_options, stop

if TYPE_CHECKING:
    from fhir_server.app import Parts


@click.group()
def packages() -> None:
    """FHIR packages: definitions that are served beside those of R4."""


@packages.command("add")
@settings_options("data", "npm_registry")
@click.argument("sources", nargs=-1, required=True)
def packages_add(config: Path | None, sources: tuple[str, ...], **flags: object) -> None:
    """Add packages: .tgz files, folders, or NAME@VERSION from the npm registry. Restart the server then."""
    parts = prepare(read_settings(config, flags))
    for source in sources:
        add_package(parts, source)


def add_package(parts: "Parts", source: str, *, quiet: bool = False) -> None:
    from fhir_server.bulk import packages
    from fhir_server.outcome import DefinitionError, FhirError

    settings = parts.settings
    try:
        added = asyncio.run(
            packages.add_package(
                settings.data_folder,
                source,
                indexer=parts.indexer,
                check=parts.validator.check,
                registry=settings.npm_registry,
            )
        )
    except (DefinitionError, FhirError) as error:
        stop(f"{source} is not added: {error}")
    except OSError as error:
        stop(f"{source} is not added: {error.filename or settings.data}: {error.strerror}")
    if not quiet:
        click.echo(f"{added.name} {added.version}: {added.canonicals:,} definitions added")


@packages.command("list")
@settings_options("data")
def packages_list(config: Path | None, **flags: object) -> None:
    """The packages that were added."""
    settings = read_settings(config, flags)
    from fhir_server.bulk.packages import added_packages

    for name, release in added_packages(settings.data_folder):
        click.echo(f"{name} {release}")


@packages.command("rebase")
@click.option(
    "--package",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the package [default: the one of the alliance that ships with the server]",
)
@click.argument("base")
@click.argument("target", type=click.Path(path_type=Path))
def packages_rebase(source: Path | None, base: str, target: Path) -> None:
    """Copy a package to the folder TARGET with all of its URLs below BASE, and examples with it."""
    from fhir_server.bulk.rebase import rebase
    from fhir_server.bulk.shipped import folder
    from fhir_server.outcome import DefinitionError

    try:
        count = rebase(source or folder(), base, target)
    except DefinitionError as error:
        stop(str(error))
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{source or folder()} is not moved: {error}")
    click.echo(f"{count:,} files in {target}, below {base}")
