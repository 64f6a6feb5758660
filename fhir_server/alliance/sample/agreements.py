"""Agreements between members.

https://hl7.org/fhir/R4/contract.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fhir.resources.R4B.contract import Contract

from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import identifier, local, meta, period, reference
from fhir_server.alliance.sample.world import World
from fhir_server.alliance.systems import local_system
from fhir_server.resource import Resource

AGREEMENTS = {
    "strategic-framework": "战略框架协议",
    "tight-cooperation": "紧密型医联体合作协议",
    "high-level-cooperation": "高水平医联体合作协议",
    "membership": "医联体协议",
    "trusteeship": "托管协议",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    key: str
    kind: str  # a code of agreement-type
    parties: Sequence[Member]  # the one that keeps it first
    start: date
    end: date


def agreement(world: World, made: Agreement) -> Resource:
    first = made.parties[0]
    issued: Any = made.start
    return plain(
        Contract(
            id=world.id("agreement", made.key),
            meta=meta("alliance-contract"),
            identifier=[identifier(local_system(first.code, "agreement"), f"{made.start.year}-{made.key}")],
            status="executed",
            issued=issued,
            applies=period(made.start, made.end),
            subject=[reference(party.organization) for party in made.parties],
            title=AGREEMENTS[made.kind],
            type=local("agreement-type", made.kind, AGREEMENTS[made.kind]),
        )
    )
