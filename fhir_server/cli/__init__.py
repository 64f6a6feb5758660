"""The command `fhir-server`.

What a command needs is imported by that command: `fhir-server --help` answers at once, and a server that
starts does not wait for what only loading needs.

Exit codes: 0 done, 1 done with failures or not possible, 2 wrong use or settings.
"""

import click

from fhir_server import __version__
from fhir_server.cli.fhirpath import fhirpath
from fhir_server.cli.jobs import reindex, show_jobs
from fhir_server.cli.loading import demo, load
from fhir_server.cli.packages import packages
from fhir_server.cli.serving import is_loopback, serve
from fhir_server.cli.store import back_up, doctor, put_back
from fhir_server.cli.terminology import terminology
from fhir_server.cli.validation import validate

__all__ = ["is_loopback", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="fhir-server")
def main() -> None:
    """A FHIR R4 server for regional hospital alliances."""


@main.command()
def version() -> None:
    """Versions of the server and of FHIR."""
    from fhir_server.definitions import registry

    click.echo(f"fhir-server {__version__}, FHIR R4 ({registry.load().release})")


for command in (
    serve,
    load,
    demo,
    doctor,
    show_jobs,
    reindex,
    back_up,
    put_back,
    packages,
    terminology,
    validate,
    fhirpath,
):
    main.add_command(command)
