"""The resource by which a store tells how much it has of a network of the sample."""

from fhir_server.alliance.sample.world import DEFAULT_SEED, World
from fhir_server.interactions.context import Context
from fhir_server.resource import decode

_EDITION = 3
"""Another sample takes another number, so that a store that has the one before gets it."""


_LOADED = "loaded"
_LOADING = "loading "


def marker(world: World) -> tuple[str, str]:
    """Type and id."""
    seed = "" if world.seed == DEFAULT_SEED else str(world.seed)
    return "Provenance", f"sample-{world.letter.lower()}{seed}-{_EDITION}"


DEMONSTRATION = World("A")
"""What `serve --demo` loads."""


async def has_sample(context: Context, world: World = DEMONSTRATION) -> bool:
    """Whether all of it has been loaded, and is not thrown away."""
    version = await context.store.read(*marker(world))
    return version is not None and not version.deleted and _text(version.body) == _LOADED


async def bundles_loaded(context: Context, world: World) -> int | None:
    """How many of its bundles have been loaded; None: all of them."""
    version = await context.store.read(*marker(world))
    if version is None:
        return 0
    if version.deleted:
        return None  # somebody has thrown it away; it does not come back by itself
    text = _text(version.body)
    return None if text == _LOADED else int(text.removeprefix(_LOADING))


def stage(number: int, *, done: bool) -> str:
    """What the marker says after the bundle `number`."""
    return _LOADED if done else f"{_LOADING}{number}"


def _text(body: bytes) -> str:
    return str(decode(body)["activity"]["text"])
