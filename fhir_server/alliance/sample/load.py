"""Loads a network of the sample into a store that does not have it.

The network is made in a process of its own: the typed models take a second to import and memory to keep, and
while one process makes the next bundle, this one checks and writes the one before.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing

from fhir_server.alliance.sample.marker import bundles_loaded
from fhir_server.alliance.sample.world import World
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import OPERATOR, Request
from fhir_server.resource import Resource, decode

_LONGEST_BUNDLE = 64 << 20  # bytes


async def load_sample(context: Context, world: World, show: Callable[[int], None] = lambda _: None) -> int:
    """How many resources were loaded; 0: all was there already, also when it has been changed since.

    Killed anywhere, it goes on after the last bundle that was committed. show: told how many resources are
    done.
    """
    before = await bundles_loaded(context, world)
    if before is None:
        return 0
    async with aclosing(made(world)) as bundles:
        return await load_bundles(context, bundles, before, show)


async def load_bundles(
    context: Context, bundles: AsyncIterable[Resource], before: int, show: Callable[[int], None]
) -> int:
    """before: how many of them are there already."""
    done = loaded = 0
    number = 0
    async for bundle in bundles:
        number += 1
        size = len(bundle["entry"]) - 1  # without the marker
        if number > before:
            await perform(context, Request("POST", resource=bundle, organization=OPERATOR))
            loaded += size
        done += size
        show(done)
    return loaded


async def made(world: World) -> AsyncGenerator[Resource, None]:
    """The bundles, from `python -m fhir_server.alliance.sample`."""
    command = (sys.executable, "-m", "fhir_server.alliance.sample", world.letter, str(world.seed))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_BUNDLE
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            yield decode(line)
        if await process.wait() != 0:
            raise OSError(f"the sample could not be made, its process ended with {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
