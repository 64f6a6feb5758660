"""fhir-server doctor, backup, restore"""

import sys
from pathlib import Path

import click

from fhir_server.cli.common import (
    FAILED,
    SHOWN,
    prepare,
    progress,
    read_settings,
    require_store,
    settings_options,
    stop,
)


@click.command()
@settings_options("data", "store")
def doctor(config: Path | None, **flags: object) -> None:
    """Look for damage: the database, its counts, and the index rows of every resource. Changes nothing."""
    parts = prepare(read_settings(config, flags))
    from fhir_server.search.words import WORDING
    from fhir_server.store.sqlite import SchemaError, check, rules_in

    count = 0
    require_store(parts)
    try:
        extract, unfinished = parts.indexing_by(rules_in(parts.store_file))
        with progress("resources") as show:
            for finding in check(parts.store_file, extract, show, unfinished, WORDING):
                count += 1
                if count <= SHOWN:
                    click.echo(str(finding), err=True)
    except SchemaError as error:
        stop(f"{parts.store_file}: {error}")
    if count > SHOWN:
        click.echo(f"and {count - SHOWN:,} more", err=True)
    click.echo(f"{parts.store_file}: {'nothing is wrong' if count == 0 else f'{count:,} findings'}")
    sys.exit(FAILED if count else 0)


@click.command("backup")
@settings_options("data", "store")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def back_up(config: Path | None, file: Path, **flags: object) -> None:
    """Write a backup to FILE; the server may be running."""
    parts = prepare(read_settings(config, flags))
    from fhir_server.store.sqlite import BackupError, backup

    try:
        with progress("pages") as show:
            backup(parts.store_file, file, show)
    except (BackupError, OSError) as error:
        stop(f"no backup: {error}")
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


@click.command("restore")
@settings_options("data", "store")
@click.option("--overwrite", is_flag=True, help="Put the backup in place of the store that is there")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def put_back(config: Path | None, overwrite: bool, file: Path, **flags: object) -> None:
    """Make the backup FILE the store; the server must not be running."""
    parts = prepare(read_settings(config, flags))
    from fhir_server.store.sqlite import BackupError, restore

    try:
        parts.settings.data_folder.mkdir(parents=True, exist_ok=True)
        with progress("pages") as show:
            restore(file, parts.store_file, overwrite=overwrite, progress=show)
    except (BackupError, OSError) as error:
        stop(f"nothing is restored: {error}")
    click.echo(f"{parts.store_file} is restored from {file}")
