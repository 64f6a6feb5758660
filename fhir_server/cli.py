"""The command `fhir-server`.

What a command needs is imported by that command: `fhir-server --help` answers at once, and a server that
starts does not wait for what only loading needs.

Exit codes: 0 done, 1 done with failures or not possible, 2 wrong use or settings.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from fhir_server import __version__
from fhir_server.config import SettingError, Settings, load_settings, schema

if TYPE_CHECKING:
    from socket import socket

    from fhir_server.app import OpenContext, Parts
    from fhir_server.bulk.load import Report

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

FAILED = 1
WRONG_USE = 2

SHOWN = 50  # findings that a person reads


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="fhir-server")
def main() -> None:
    """A FHIR R4 server for regional hospital alliances."""


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


@main.command()
@settings_options("host", "port", "data", "store", "workers", "demo", "open")
def serve(config: Path | None, **flags: object) -> None:
    """Answer FHIR requests until told to stop."""
    settings = read_settings(config, flags)
    require_open(settings)
    from fhir_server.rest.server import listen

    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        stop(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}")
    with listener:
        parts = prepare(settings)
        add_missing_packages(parts)
        there = within(parts, sample_is_there)  # also shows that the store can be opened
        if settings.demo and not there:
            load_demo_apart(settings, config)
        sys.exit(answer_requests(parts, listener))


def answer_requests(parts: "Parts", listener: "socket") -> int:
    """Until the process is told to stop; the exit code."""
    from fhir_server.app import Application
    from fhir_server.rest.server import run
    from fhir_server.rest.url import BASE_PATH
    from fhir_server.rest.workers import Workers

    settings = parts.settings
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    def announce() -> None:
        click.echo(f"fhir-server {__version__} answers at http://{host}:{port}{BASE_PATH}")
        click.echo("open: no authentication; reachable from this machine only; not for real patients")

    def work(parent: int) -> None:
        run(Application(parts), listener, settings, parent=parent)

    if settings.workers > 1:
        return Workers(settings.workers, work, settings.stop_timeout_s).run(announce)
    run(Application(parts), listener, settings, started=announce)
    return 0


def require_open(settings: Settings) -> None:
    """Without access control there is one safe way to serve: to this machine, by request."""
    if not settings.open:
        stop(
            "access control is not built yet, so the server only starts with --open: no authentication, "
            "reachable from this machine only",
            WRONG_USE,
        )
    if not is_loopback(settings.host):
        stop(
            f"--open has no authentication, so host must be a loopback address such as 127.0.0.1, "
            f"not {settings.host}",
            WRONG_USE,
        )


def is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def prepare(settings: Settings) -> "Parts":
    from fhir_server.app import Parts

    return Parts(settings)


def within(parts: "Parts", work: "Callable[[OpenContext], Coroutine[Any, Any, T]]") -> T:
    """What `work` answers on the open store; stops with a message when the store fails."""
    from fhir_server.outcome import FhirError
    from fhir_server.store.sqlite import SchemaError

    async def run() -> T:
        opened = parts.open_context()
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


@main.command()
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


@main.group()
def demo() -> None:
    """The demonstration alliance: invented hospitals, people and referrals."""


@demo.command("load")
@settings_options("data", "store")
def demo_load(config: Path | None, **flags: object) -> None:
    """Load the demonstration alliance, unless it is there."""
    settings = read_settings(config, flags)
    from fhir_server.alliance.sample.load import load_sample

    async def work(opened: "OpenContext") -> bool:
        return await load_sample(opened.context)

    loaded = within(prepare(settings), work)
    click.echo(f"the demonstration alliance is {'loaded' if loaded else 'there already'}")


async def sample_is_there(opened: "OpenContext") -> bool:
    from fhir_server.app import has_sample

    return await has_sample(opened.context)


def load_demo_apart(settings: Settings, config: Path | None) -> None:
    """In a process of its own: what loading needs would stay in the server's memory."""
    import subprocess

    click.echo("loading the demonstration alliance, once")
    command = [sys.executable, "-m", "fhir_server.cli", "demo", "load", "--data", settings.data]
    command += [] if config is None else ["--config", str(config)]
    if subprocess.run(command, check=False).returncode != 0:
        stop("the demonstration alliance could not be loaded")


@main.command()
@settings_options("data", "store")
def doctor(config: Path | None, **flags: object) -> None:
    """Look for damage: the database, its counts, and the index rows of every resource. Changes nothing."""
    parts = prepare(read_settings(config, flags))
    from fhir_server.store.sqlite import SchemaError, check

    count = 0
    require_store(parts)
    try:
        with progress("resources") as show:
            for finding in check(parts.store_file, parts.indexer.extract, show):
                count += 1
                if count <= SHOWN:
                    click.echo(str(finding), err=True)
    except SchemaError as error:
        stop(f"{parts.store_file}: {error}")
    if count > SHOWN:
        click.echo(f"and {count - SHOWN:,} more", err=True)
    click.echo(f"{parts.store_file}: {'nothing is wrong' if count == 0 else f'{count:,} findings'}")
    sys.exit(FAILED if count else 0)


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


@main.command("backup")
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


@main.command("restore")
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


@main.group()
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


def add_package(parts: "Parts", source: str) -> None:
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
    click.echo(f"{added.name} {added.version}: {added.canonicals:,} definitions added")


@packages.command("list")
@settings_options("data")
def packages_list(config: Path | None, **flags: object) -> None:
    """The packages that were added."""
    settings = read_settings(config, flags)
    from fhir_server.bulk.packages import added_packages

    for name, release in added_packages(settings.data_folder):
        click.echo(f"{name} {release}")


def add_missing_packages(parts: "Parts") -> None:
    """Those of the settings; one that is there already needs neither its file nor a network."""
    from fhir_server.bulk.packages import is_added
    from fhir_server.outcome import DefinitionError

    for source in parts.settings.packages:
        try:
            missing = not is_added(parts.settings.data_folder, source)
        except DefinitionError as error:
            stop(f"the package {source} of the settings: {error}", WRONG_USE)
        if missing:
            add_package(parts, source)


@main.command()
def version() -> None:
    """Versions of the server and of FHIR."""
    from fhir_server.definitions import registry

    click.echo(f"fhir-server {__version__}, FHIR R4 ({registry.load().release})")


if __name__ == "__main__":
    main()
