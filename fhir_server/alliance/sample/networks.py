"""The four networks, what each of them has, and all of it as resources or as transaction bundles.

https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent
from fhir.resources.R4B.reference import Reference

from fhir_server.alliance.sample import network_a, network_b, network_c, network_d
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import SHANGHAI, concept, meta, reference
from fhir_server.alliance.sample.marker import marker, stage
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

BUNDLE_SIZE = 500  # resources, beside the marker

_NETWORKS: dict[str, Callable[[World], Iterator[Resource]]] = {
    "A": network_a.resources,
    "B": network_b.resources,
    "C": network_c.resources,
    "D": network_d.resources,
}


def resources(world: World) -> Iterator[Resource]:
    """Every resource once, those that are referred to before those that refer to them."""
    return _NETWORKS[world.letter](world)


def bundles(world: World) -> Iterator[Resource]:
    """Transactions of PUT entries: what is loaded twice changes nothing.

    The last entry of each is the marker: it says how many transactions there have been, and in the last one
    that this was all.
    """
    left = resources(world)
    network: Resource | None = None
    part = list(islice(left, BUNDLE_SIZE))
    number = 0
    while part:
        number += 1
        network = network or next(one for one in part if one["id"].startswith("network-"))
        following = list(islice(left, BUNDLE_SIZE))
        part.append(_marker(world, network, number, done=not following))
        yield {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(one) for one in part]}
        part = following


def _entry(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def _marker(world: World, network: Resource, number: int, *, done: bool) -> Resource:
    recorded: Any = datetime(2026, 11, 23, tzinfo=SHANGHAI)
    author = concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author")
    return plain(
        Provenance(
            id=marker(world)[1],
            meta=meta("alliance-provenance"),
            target=[reference(network)],
            recorded=recorded,
            activity=CodeableConcept(text=stage(number, done=done)),
            agent=[ProvenanceAgent(type=author, who=Reference(display="示例数据生成程序"))],
        )
    )
