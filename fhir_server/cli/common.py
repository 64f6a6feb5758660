"""What the commands have in common: settings as options, ends with a message, the open store, progress."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from fhir_server.config import SettingError, Settings, load_settings, schema

if TYPE_CHECKING:
    from fhir_server.app import OpenContext, Parts

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

FAILED = 1
WRONG_USE = 2

SHOWN = 50  # findings that a person reads


def settings_options(*names: str) -> Callable[[Command], Command]:
    """Options for settings, with the limits and the descriptions of the schema, and --config."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            command = _option(name)(command)
        return click.option(
            "--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (TOML)"
        )(command)

    return add


def _option(name: str) -> Callable[[Command], Command]:
    rule = schema()["properties"][name]
    flag = f"--{name.replace('_', '-')}"
    if rule.get("type") == "boolean":
        return click.option(flag, name, is_flag=True, default=None, help=rule["description"])
    kind: click.ParamType[Any] = click.STRING
    if "enum" in rule:
        kind = click.Choice(rule["enum"])
    elif rule["type"] == "integer":
        kind = click.IntRange(rule["minimum"], rule["maximum"])
    default = "" if rule["default"] is None else f" [default: {rule['default']}]"
    return click.option(flag, name, type=kind, default=None, help=rule["description"] + default)


def read_settings(config: Path | None, flags: dict[str, object]) -> Settings:
    try:
        return load_settings(config, flags=flags)
    except SettingError as error:
        stop(str(error), WRONG_USE)


def stop(message: str, code: int = FAILED) -> NoReturn:
    for line in message.splitlines():
        click.echo(f"fhir-server: {line}", err=True)
    sys.exit(code)


def prepare(settings: Settings) -> "Parts":
    from fhir_server.app import Parts

    return Parts(settings)


def within(
    parts: "Parts", work: "Callable[[OpenContext], Coroutine[Any, Any, T]]", *, owner: bool = False
) -> T:
    """What `work` answers on the open store; stops with a message when the store fails.

    owner: an index that another release or other settings have made is made anew; else it is left alone.
    """
    from fhir_server.outcome import FhirError
    from fhir_server.store.sqlite import SchemaError

    async def run() -> T:
        opened = await parts.open_context(owner=owner)
        try:
            return await work(opened)
        finally:
            await opened.close()

    try:
        return asyncio.run(run())
    except (FhirError, SchemaError) as error:
        stop(f"{parts.store_file}: {error}")
    except OSError as error:
        stop(f"{error.filename or parts.settings.data}: {error.strerror}")


def require_store(parts: "Parts") -> None:
    if not parts.store_file.is_file():
        stop(f"there is no store {parts.store_file}")


@contextmanager
def progress(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, moved by telling it how many are done, and of how many."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
