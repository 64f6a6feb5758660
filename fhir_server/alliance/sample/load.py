"""Loads the demonstration alliance into a store that does not have it."""

from fhir_server.alliance.sample.marker import MARKER
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import OPERATOR, Request


async def load_sample(context: Context, base_url: str = "") -> bool:
    """False: it was there already, also when parts of it have been changed or deleted since.

    Killed half-way, it is loaded again from the start: what is there already stays as it is.
    """
    if await context.store.read(*MARKER) is not None:
        return False
    # the typed models take half a second to import, a server that has the sample need not wait for them
    from fhir_server.alliance.sample.bundles import bundles

    for bundle in bundles():
        request = Request("POST", resource=bundle, base_url=base_url, organization=OPERATOR)
        await perform(context, request)
    return True
