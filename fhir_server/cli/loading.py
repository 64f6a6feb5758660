"""fhir-server load, fhir-server demo load"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from fhir_server.app import OpenContext
    from fhir_server.bulk.load import Report


@click.command()
@settings_options("data", "store")
@click.option("--failures", type=click.Path(path_type=Path, dir_okay=False), help="Write failures as NDJSON")
@click.argument("paths", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
def load(config: Path | None, failures: Path | None, paths: tuple[Path, ...], **flags: object) -> None:
    """Load resources, bundles and NDJSON: files, .gz too, and folders. Killed, it goes on where it was."""
    settings = read_settings(config, flags)
    from fhir_server.bulk.files import UnknownFileError
    from fhir_server.bulk.load import load as load_paths

    async def work(opened: "OpenContext") -> "Report":
        state = settings.data_folder / "loads"
        return await load_paths(opened.context, paths, state=state, failures=failures)

    try:
        report = within(prepare(settings), work)
    except UnknownFileError as error:
        stop(str(error), WRONG_USE)
    click.echo(f"{report.resources:,} resources loaded from {report.files:,} files, {report.failed:,} failed")
    for failure in report.shown:
        click.echo(f"  {_place(failure)}: {_reason(failure)}", err=True)
    if report.failed > len(report.shown):
        click.echo(f"  and {report.failed - len(report.shown):,} more, see --failures", err=True)
    sys.exit(FAILED if report.failed else 0)


def _place(failure: dict[str, Any]) -> str:
    parts = [failure["file"]]
    parts += [f"{name} {failure[name]}" for name in ("line", "entry") if name in failure]
    return ", ".join(parts)


def _reason(failure: dict[str, Any]) -> str:
    return "; ".join(issue.get("diagnostics", issue["code"]) for issue in failure["outcome"]["issue"][:3])


@click.group()
def demo() -> None:
    """The demonstration alliance: invented hospitals, people and referrals."""


@demo.command("load")
@settings_options("data", "store")
@click.option(
    "--network",
    type=click.Choice(["A", "B", "C", "D"]),
    default="A",
    help="Which of the four networks to load [default: A]",
)
@click.option(
    "--seed",
    type=click.IntRange(1, 10_000),
    default=1,
    help="Another one makes other people, as many and in the same states [default: 1]",
)
def demo_load(config: Path | None, network: str, seed: int, **flags: object) -> None:
    """Load a demonstration network, unless it is there. Killed, it goes on where it was."""
    settings = read_settings(config, flags)
    from fhir_server.alliance.sample.load import load_sample
    from fhir_server.alliance.sample.world import SIZES, World

    world = World(network, seed)

    async def work(opened: "OpenContext") -> int:
        with progress("resources") as show:
            return await load_sample(opened.context, world, lambda done: show(done, SIZES[network]))

    loaded = within(prepare(settings), work)
    there = "there already" if loaded == 0 else f"loaded: {loaded:,} resources"
    click.echo(f"the demonstration network {network} is {there}")


async def sample_is_there(opened: "OpenContext") -> bool:
    from fhir_server.alliance.sample.marker import has_sample

    return await has_sample(opened.context)
