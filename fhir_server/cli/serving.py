"""fhir-server serve"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fhir_server import __version__
from fhir_server.cli.common import WRONG_USE, prepare, read_settings, settings_options, stop, within
from fhir_server.cli.loading import sample_is_there
from fhir_server.cli.packages import add_package
from fhir_server.config import Settings

if TYPE_CHECKING:
    from socket import socket

    from fhir_server.app import Parts


@click.command()
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
        there = within(parts, sample_is_there, owner=True)  # also shows that the store can be opened
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


def load_demo_apart(settings: Settings, config: Path | None) -> None:
    """In a process of its own: what loading needs would stay in the server's memory."""
    import subprocess

    click.echo("loading the demonstration alliance, once")
    command = [sys.executable, "-m", "fhir_server.cli", "demo", "load", "--data", settings.data]
    command += [] if config is None else ["--config", str(config)]
    if subprocess.run(command, check=False).returncode != 0:
        stop("the demonstration alliance could not be loaded")


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
