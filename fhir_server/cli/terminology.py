"""fhir-server terminology load"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fhir_server.cli.common import (
    FAILED,
    SHOWN,
    WRONG_USE,
    prepare,
    progress,
    read_settings,
    settings_options,
    stop,
    within,
)

if TYPE_CHECKING:
    from fhir_server.app import OpenContext
    from fhir_server.bulk.terminology import Loaded


@click.group()
def terminology() -> None:
    """Code systems that are too large for a resource."""


@terminology.command("load")
@settings_options("data", "store")
@click.option("--system", help="Canonical URL of the code system, unless the file says it")
@click.option("--version", help="Version of the code system; the one that is there is replaced")
@click.option("--title", help="Title of the code system, for people")
@click.option("--language", help="Language of the displays, such as zh-CN")
@click.option(
    "--column", "columns", multiple=True, help="NAME=MEANING: what a column of a CSV is, such as code"
)
@click.option(
    "--parents",
    type=click.Choice(["column", "prefix"]),
    default="column",
    help="What a code is below: by a column, or the longest code that it begins with [default: column]",
)
@click.option("--skip-bad-rows", is_flag=True, help="Load the rest where some rows are wrong")
@click.argument(
    "files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True
)
def terminology_load(config: Path | None, files: tuple[Path, ...], **flags: Any) -> None:
    """Load a code system: CSV, tab-separated files like those of SNOMED CT, or a CodeSystem in JSON."""
    settings = read_settings(config, {name: flags.pop(name) for name in ("data", "store")})
    from fhir_server.bulk.terminology import Wanted, load
    from fhir_server.outcome import DefinitionError

    columns, parents, skip = flags.pop("columns"), flags.pop("parents"), flags.pop("skip_bad_rows")
    facts = {name: value for name, value in flags.items() if value is not None}
    wanted = Wanted(facts, dict(map(_column, columns)), parents, skip)

    async def work(opened: "OpenContext") -> "Loaded":
        with progress("rows") as show:
            return await load(opened.context, files, wanted, show)

    try:
        loaded = within(prepare(settings), work)
    except DefinitionError as error:
        stop(f"nothing is loaded: {error}")
    for bad in loaded.bad[:SHOWN]:
        click.echo(f"  {bad}", err=True)
    if len(loaded.bad) > SHOWN:
        click.echo(f"  and {len(loaded.bad) - SHOWN:,} more", err=True)
    if loaded.id is None:
        stop(f"nothing is loaded: {len(loaded.bad):,} rows are wrong; --skip-bad-rows loads the others")
    click.echo(f"{loaded.canonical}: {loaded.concepts:,} codes loaded, see CodeSystem/{loaded.id}")
    sys.exit(FAILED if loaded.bad else 0)


def _column(text: str) -> tuple[str, str]:
    name, equals, meaning = text.partition("=")
    if not equals:
        stop(f"--column {text}: it takes NAME=MEANING, such as 疾病编码=code", WRONG_USE)
    return name, meaning
