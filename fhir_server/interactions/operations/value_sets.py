"""Which value set an operation is about: that of the URL, of its canonical, of the body, of an element.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from typing import NamedTuple

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments
from fhir_server.interactions.operations.terminology import inline, is_meant, of_instance
from fhir_server.interactions.request import Request
from fhir_server.outcome import invalid, missing, not_found
from fhir_server.resource import Resource
from fhir_server.terminology.snapshot import Snapshot

PARAMETERS = ("url", "context", "valueSet", "valueSetVersion", "date", "displayLanguage")
DIRECTIONS = ("incoming", "outgoing")


class Meant(NamedTuple):
    value_set: Resource
    stored: bool  # it is the one that its canonical means

    @property
    def name(self) -> str:
        return self.value_set.get("url") or "the value set"


async def value_set(context: Context, request: Request, given: Arguments, snapshot: Snapshot) -> Meant:
    """Raises 404 when it is not here, and 400 when the request names none or more than one."""
    resource = await of_instance(context, request)
    named = [name for name in ("url", "context", "valueSet") if given.one(name) is not None]
    if resource is not None:
        if named:
            raise invalid(f"{named[0]} names a value set, and the URL does so too")
        return Meant(resource, await is_meant(snapshot, "ValueSet", resource))
    if len(named) != 1:
        found = " and ".join(named) or "none of them"
        raise missing(f"one of url, valueSet and context is required, found {found}")
    resource = inline(given, "valueSet", "ValueSet")
    if resource is not None:
        return Meant(resource, False)
    canonical = given.text("url") or _bound(context, given.required_text("context"))
    version = given.text("valueSetVersion")
    if version is not None and "|" not in canonical:
        canonical = f"{canonical}|{version}"
    return Meant(await snapshot.resource("ValueSet", canonical), True)


def _bound(context: Context, element: str) -> str:
    """The value set that an element is bound to: `[StructureDefinition]#Observation.status`."""
    path = element.rpartition("#")[2]
    owner, _, name = path.rpartition(".")
    definitions = context.definitions
    if definitions.has_type(owner):
        found = definitions.type(owner).elements.get(name.removesuffix("[x]"))
        if found is not None and found.binding is not None and found.binding.value_set is not None:
            return found.binding.value_set.partition("|")[0]
    raise not_found(f"{element} is not an element with a value set")
