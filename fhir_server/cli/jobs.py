"""fhir-server jobs, reindex"""

from asyncio import run, sleep
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_server.cli.common import (
    prepare,
    progress,
    read_settings,
    require_store,
    settings_options,
    stop,
    within,
)

if TYPE_CHECKING:
    from fhir_server.app import OpenContext
    from fhir_server.store.jobs import Job

_LOOK_AFTER_S = 0.5


@click.command("jobs")
@settings_options("data", "store")
def show_jobs(config: Path | None, **flags: object) -> None:
    """What is done in the background, and how far it is."""
    parts = prepare(read_settings(config, flags))
    require_store(parts)
    from fhir_server.interactions.reindexing import progress as text
    from fhir_server.outcome import FhirError
    from fhir_server.store.sqlite import SchemaError

    async def work() -> "list[Job]":
        store = parts.open_main(parts.indexer.extract)
        try:
            return await store.jobs()
        finally:
            await store.close()

    try:
        found = run(work())
    except (FhirError, SchemaError) as error:
        stop(f"{parts.store_file}: {error}")
    for job in found:
        click.echo(f"{job.id} {job.kind}: {text(job)}{job.message and f' ({job.message})'}")


@click.command()
@settings_options("data", "store")
@click.option("--all", "everything", is_flag=True, help="Make the whole index anew, whatever is there")
def reindex(config: Path | None, everything: bool, **flags: object) -> None:
    """Fill the index where it lacks something. The server may run; killed, it goes on where it was."""
    parts = prepare(read_settings(config, flags))
    require_store(parts)

    async def work(opened: "OpenContext") -> "list[Job]":
        from fhir_server.bulk.jobs import retry_failed
        from fhir_server.search.rules import KIND

        await retry_failed(opened.main, KIND)
        if everything:
            await opened.adoption.make_anew(opened.main)
        waiting = [job.id for job in await opened.main.jobs(KIND, open_only=True)]
        with progress("resources") as show:
            await _done(opened, lambda job: show(job.done, job.total))
        return [job for job in await opened.main.jobs(KIND) if job.id in waiting]

    done = within(parts, work, owner=True)
    failed = [job for job in done if job.state == "failed"]
    if failed:
        stop("\n".join(f"{job.id} failed: {job.message}" for job in failed))
    resources = sum(job.done for job in done)
    click.echo(f"{resources:,} resources indexed" if done else "the index lacks nothing")


async def _done(opened: "OpenContext", show: "Callable[[Job], None]") -> None:
    """Do what is open; when a server does it, watch."""
    from fhir_server.bulk.jobs import Jobs
    from fhir_server.search.rules import KIND

    here = Jobs(opened.main, {KIND: opened.reindex(show=show)})
    while waiting := await opened.main.jobs(KIND, open_only=True):
        if opened.main.lead():
            await here.work_off()
        else:
            show(waiting[0])
            await sleep(_LOOK_AFTER_S)
