"""Resources made to be difficult: what real ones rarely have, and search has to get right."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

from tests.search.reference import queries
from tests.search.reference.difficult import (
    CODES,
    COMPARATORS,
    CONCEPTS,
    CONTACTS,
    DATES,
    IDENTIFIERS,
    NAMES,
    NARRATIVES,
    NUMBERS,
    TIMES,
    TREE,
    UNITS,
)

BASE = "http://example.org/fhir"

Resource = dict[str, Any]

FOREIGN = (
    "http://other.example/fhir/Patient/1",
    "http://other.example/fhir/Group/1",
    "urn:uuid:0b9e5c1e-7c6a-4d0e-9a52-3f6e2b1c0d4f",
    "http://other.example/fhir/Patient/1/_history/3",
    f"{BASE}/Patient/1",
    f"{BASE}/Patient/1/_history/2",
    "Patient/1/_history/7",
    "Patient/absent",
    "Patient/gone",
    "Group/1",
    "Patient?identifier=1",
    "https://x/Patient/1",
    "http://other.example/a/Patient/1?b=c",
)
PATIENTS = (
    "1",
    "01",
    "A",
    "a",
    "0b9e5c1e-7c6a-4d0e-9a52-3f6e2b1c0d4f",
    "b.c-d",
    "9",
    "8",
    "7",
    "6",
    "5",
    "4",
)


class Making:
    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def some(self, of: tuple[Any, ...], most: int = 2) -> list[Any]:
        return [self.chance.choice(of) for _ in range(self.chance.randint(1, most))]

    def is_likely(self, share: float = 0.6) -> bool:
        return self.chance.random() < share

    def coding(self) -> Resource:
        system, code = self.chance.choice(CODES)
        found = {"system": system, "code": code, "display": self.chance.choice(NAMES)}
        return {name: value for name, value in found.items() if value is not None}

    def concept(self) -> Resource:
        found: Resource = {"coding": [self.coding() for _ in range(self.chance.randint(1, 2))]}
        if self.is_likely(0.4):
            found["text"] = self.chance.choice(NAMES)
        return {"text": "only text"} if self.is_likely(0.1) else found

    def identifier(self) -> Resource:
        system, value = self.chance.choice(IDENTIFIERS)
        found = {"system": system, "value": value}
        return {name: each for name, each in found.items() if each is not None}

    def period(self) -> Resource:
        start, end = sorted(self.chance.sample(DATES, 2))
        return self.chance.choice(({"start": start, "end": end}, {"start": start}, {"end": end}))

    def quantity(self) -> Resource:
        found: Resource = {"value": Decimal(self.chance.choice(NUMBERS))} | self.chance.choice(UNITS)
        comparator = self.chance.choice(COMPARATORS)
        return found | ({"comparator": comparator} if comparator else {})

    def reference(self, *types: str) -> Resource:
        roll = self.chance.random()
        if roll < 0.12:
            return {"identifier": self.identifier()} | ({"type": "Patient"} if self.is_likely() else {})
        if roll < 0.16:
            return {"display": "somebody"}
        if roll < 0.19:
            return {"reference": "#inside"}
        if roll < 0.4:
            return {"reference": self.chance.choice(FOREIGN)}
        return {"reference": f"{self.chance.choice(types)}/{self.chance.choice(PATIENTS)}"}

    def name(self) -> Resource:
        found: Resource = {"use": "official"}
        if self.is_likely(0.9):
            found["family"] = self.chance.choice(NAMES)
        if self.is_likely():
            found["given"] = self.some(NAMES)
        if self.is_likely(0.2):
            found["text"] = self.chance.choice(NAMES)
        return found

    def narrative(self) -> Resource:
        text = self.chance.choice(NARRATIVES)
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'
        return {"text": {"status": "generated", "div": div}} if self.is_likely() else {}


def hostile(chance: Random) -> Iterator[Resource]:
    made = Making(chance)
    for id_ in PATIENTS:
        yield patient(made, id_)
    for number in range(6):
        yield {"resourceType": "Practitioner", "id": PATIENTS[number], "name": [made.name()]}
        yield group(made, PATIENTS[number])
    for number in range(9):
        yield organization(made, number)
    for number in range(40):
        yield observation(made, f"o{number}")
    for number in range(12):
        yield encounter(made, f"e{number}")
        yield service_request(made, f"s{number}")
    for number in range(10):
        yield risk_assessment(made, f"r{number}")
        yield questionnaire(made, number)
        yield response(made, f"q{number}")
    yield from (document(made, f"d{number}") for number in range(8))
    yield from places(made)
    yield code_system()
    yield from value_sets()
    yield from lists(made)
    yield from queries.definitions()
    yield from (appointment(made, f"a{number}") for number in range(12))
    yield from (charge(made, f"c{number}") for number in range(8))


POSITIONS = (
    ("28.16", "113.63"), ("28.2", "113.7"), ("0", "0"), ("0", "179.9"), ("0", "-179.9"), ("89.95", "0"),
    ("89.95", "180"), ("-90", "45"), ("28.160001", "113.630001"), ("-0.05", "180"),
)  # fmt: skip
"""Latitude and longitude, on both sides of the antimeridian and around the poles."""


def code_system() -> Resource:
    def nested(concepts: Any) -> list[Resource]:
        return [{"code": code} | ({"concept": nested(below)} if below else {}) for code, below in concepts]

    found = {"resourceType": "CodeSystem", "id": "tree", "url": TREE, "status": "active"}
    return found | {"content": "complete", "concept": nested(CONCEPTS)}


IS_CAT = {"property": "concept", "op": "is-a", "value": "cat"}
COMPOSED: dict[str, Resource] = {
    "all": {"include": [{"system": TREE}]},
    "cats": {"include": [{"system": TREE, "filter": [IS_CAT]}]},
    "no-cats": {"include": [{"system": TREE}], "exclude": [{"system": TREE, "filter": [IS_CAT]}]},
    "some": {
        "include": [
            {"system": TREE, "concept": [{"code": "dog"}, {"code": "lion"}]},
            {"system": "http://loinc.org", "concept": [{"code": "8302-2"}]},
        ]
    },
    "both": {"include": [{"valueSet": ["http://x/vs/cats", "http://x/vs/some"]}]},
    "gender": {
        "include": [{"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "male"}]}]
    },
}


def value_sets() -> Iterator[Resource]:
    for name, compose in COMPOSED.items():
        found = {"resourceType": "ValueSet", "id": name, "url": f"http://x/vs/{name}", "status": "active"}
        yield found | {"compose": compose}


def appointment(made: Making, id_: str) -> Resource:
    """With resources inside, to which it refers or not."""
    inside = [
        made.chance.choice(
            (
                patient(made, f"p{number}"),
                observation(made, f"o{number}"),
                {"resourceType": "Practitioner", "id": f"p{number}", "name": [made.name()]},
                organization(made, number),
            )
        )
        for number in range(made.chance.randint(1, 3))
    ]
    actors = [{"reference": f"#{each['id']}"} for each in inside] + [made.reference("Patient")]
    return {
        "resourceType": "Appointment",
        "id": id_,
        "status": "booked",
        "contained": inside,
        "participant": [{"actor": each, "status": "accepted"} for each in made.some(tuple(actors), 3)],
    }


def places(made: Making) -> Iterator[Resource]:
    for number, (latitude, longitude) in enumerate(POSITIONS):
        position = {"latitude": Decimal(latitude), "longitude": Decimal(longitude)}
        found: Resource = {"resourceType": "Location", "id": f"l{number}", "position": position}
        if made.is_likely(0.5):
            found["partOf"] = {"reference": f"Location/l{made.chance.randrange(len(POSITIONS))}"}
        yield found | {"name": made.chance.choice(NAMES), "status": "active"}
    yield {"resourceType": "Location", "id": "nowhere", "name": "nowhere"}


def lists(made: Making) -> Iterator[Resource]:
    for number in range(4):
        items = [
            made.reference("Patient", "Observation", "Organization") for _ in range(made.chance.randint(1, 9))
        ]
        found: Resource = {
            "resourceType": "List",
            "id": PATIENTS[number],
            "status": "current",
            "mode": "working",
        }
        yield found | {"entry": [{"item": each} for each in items]}


def patient(made: Making, id_: str) -> Resource:
    found: Resource = {"resourceType": "Patient", "id": id_, "meta": meta(made)} | made.narrative()
    found["name"] = [made.name() for _ in range(made.chance.randint(1, 2))]
    maybe: Resource = {
        "identifier": [made.identifier() for _ in range(2)],
        "birthDate": made.chance.choice(DATES),
        "gender": made.chance.choice(("male", "female", "other", "unknown")),
        "active": made.is_likely(),
        "telecom": [
            {"system": made.chance.choice(("phone", "email", "fax")), "value": made.chance.choice(CONTACTS)}
        ],
        "address": [{"line": made.some(NAMES), "city": made.chance.choice(NAMES), "postalCode": "０１２"}],
        "generalPractitioner": [made.reference("Practitioner", "Organization")],
        "link": [{"other": made.reference("Patient"), "type": "refer"}],
        "managingOrganization": {"reference": f"Organization/{made.chance.randrange(9)}"},
    }
    found |= {name: value for name, value in maybe.items() if made.is_likely()}
    deceased: list[Resource] = [
        {"deceasedBoolean": True},
        {"deceasedBoolean": False},
        {"deceasedDateTime": "2013-01-14"},
        {},
        {},
    ]
    return found | made.chance.choice(deceased)


def meta(made: Making) -> Resource:
    found: Resource = {}
    if made.is_likely():
        found["tag"] = [made.coding()]
    if made.is_likely(0.4):
        found["security"] = [made.coding()]
    if made.is_likely(0.4):
        found["profile"] = made.some(("http://x/p", "http://x/p|1", "http://x/P", "http://x/p/q"))
    if made.is_likely(0.4):
        found["source"] = made.chance.choice(("http://x/s", "http://x/s#1", "urn:x"))
    return found


def group(made: Making, id_: str) -> Resource:
    characteristic = [
        {"code": made.concept(), "exclude": made.is_likely()}
        | made.chance.choice(
            (
                {"valueCodeableConcept": made.concept()},
                {"valueBoolean": made.is_likely()},
                {"valueQuantity": made.quantity()},
                {"valueRange": range_(made)},
            )
        )
        for _ in range(2)
    ]
    member = [{"entity": made.reference("Patient", "Group")} for _ in range(2)]
    return {
        "resourceType": "Group",
        "id": id_,
        "type": "person",
        "actual": True,
        "member": member,
        "characteristic": characteristic,
    }


def range_(made: Making) -> Resource:
    low, high = sorted(Decimal(each) for each in made.chance.sample(NUMBERS, 2))
    unit = made.chance.choice(UNITS)
    ends = {"low": {"value": low} | unit, "high": {"value": high} | unit}
    return made.chance.choice((ends, {"low": ends["low"]}, {"high": ends["high"]}))


def organization(made: Making, number: int) -> Resource:
    """A chain of seven, and a ring of two."""
    above = {7: 8, 8: 7}.get(number, number + 1)
    found: Resource = {"resourceType": "Organization", "id": str(number), "name": made.chance.choice(NAMES)}
    found |= made.narrative()
    if number != 6:
        found["partOf"] = {"reference": f"Organization/{above}"}
    return found | ({"type": [made.concept()]} if made.is_likely() else {})


def observation(made: Making, id_: str) -> Resource:
    found: Resource = {
        "resourceType": "Observation",
        "id": id_,
        "meta": meta(made),
        "code": made.concept(),
        "status": made.chance.choice(("final", "amended", "registered")),
    }
    if made.is_likely(0.9):
        found["subject"] = made.reference("Patient", "Patient", "Group")
    if made.is_likely():
        found["performer"] = [made.reference("Practitioner", "Patient", "Organization") for _ in range(2)]
    if made.is_likely(0.4):
        found["encounter"] = {"reference": f"Encounter/e{made.chance.randrange(14)}"}
    found |= made.chance.choice(
        (
            {},
            {"effectiveDateTime": made.chance.choice(TIMES)},
            {"effectivePeriod": made.period()},
            {"effectiveInstant": "2013-01-14T10:00:00.500Z"},
            {
                "effectiveTiming": made.chance.choice(
                    (
                        {"event": made.some(TIMES, 3)},
                        {"repeat": {"boundsPeriod": made.period()}},
                        {"code": {"text": "BID"}},
                        {"repeat": {"frequency": 2}},
                    )
                )
            },
        )
    )
    found |= value(made) | made.narrative()
    if made.is_likely(0.5):
        found["component"] = [
            {"code": made.concept()} | value(made) for _ in range(made.chance.randint(1, 3))
        ]
    if made.is_likely(0.2):
        found["hasMember"] = [{"reference": f"Observation/o{made.chance.randrange(42)}"}]
    return found


def value(made: Making) -> Resource:
    found: Resource = made.chance.choice(
        (
            {"valueQuantity": made.quantity()},
            {"valueQuantity": made.quantity()},
            {"valueCodeableConcept": made.concept()},
            {"valueString": made.chance.choice(NAMES)},
            {"valueDateTime": made.chance.choice(TIMES)},
            {"valuePeriod": made.period()},
            {},
        )
    )
    return found


def encounter(made: Making, id_: str) -> Resource:
    found: Resource = {
        "resourceType": "Encounter",
        "id": id_,
        "status": made.chance.choice(("planned", "finished")),
        "class": made.coding(),
        "subject": made.reference("Patient", "Group"),
        "period": made.period(),
    }
    if made.is_likely():
        found["participant"] = [{"individual": made.reference("Practitioner"), "type": [made.concept()]}]
    if made.is_likely(0.4):
        found["length"] = {
            "value": Decimal(made.chance.choice(NUMBERS)),
            "unit": "min",
            "code": "min",
            "system": "http://unitsofmeasure.org",
        }
    if made.is_likely(0.4):
        found["partOf"] = {"reference": f"Encounter/e{made.chance.randrange(12)}"}
    return found


def service_request(made: Making, id_: str) -> Resource:
    found: Resource = {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": "active",
        "intent": made.chance.choice(("order", "plan")),
        "subject": made.reference("Patient", "Group"),
        "code": made.concept(),
        "authoredOn": made.chance.choice(TIMES),
        "instantiatesCanonical": made.some(("http://x/q0|1", "http://x/q1", "PlanDefinition/1")),
        "instantiatesUri": made.some(("http://x/u", "urn:oid:1.2.3")),
    }
    found |= made.chance.choice(
        (
            {"occurrencePeriod": made.period()},
            {"occurrenceDateTime": made.chance.choice(TIMES)},
            {"occurrenceTiming": {"event": made.some(TIMES)}},
            {},
        )
    )
    return found | ({"requester": made.reference("Practitioner", "Patient")} if made.is_likely() else {})


def risk_assessment(made: Making, id_: str) -> Resource:
    prediction = made.chance.choice(
        (
            [{"probabilityDecimal": Decimal(made.chance.choice(NUMBERS))}],
            [{"probabilityRange": range_(made)}],
            [{"probabilityDecimal": Decimal(made.chance.choice(NUMBERS))} for _ in range(2)],
        )
    )
    return {
        "resourceType": "RiskAssessment",
        "id": id_,
        "status": "final",
        "subject": made.reference("Patient", "Group"),
        "prediction": prediction,
        "occurrenceDateTime": made.chance.choice(TIMES),
    }


def questionnaire(made: Making, number: int) -> Resource:
    return {
        "resourceType": "Questionnaire",
        "id": f"q{number}",
        "url": f"http://x/q{number}",
        "status": "active",
        "title": made.chance.choice(NAMES),
        "version": made.chance.choice(("1", "1.0")),
        "name": "Q",
        "derivedFrom": [f"http://x/q{(number + 1) % 4}{made.chance.choice(('', '|1'))}"],
        "useContext": [
            {"code": made.coding(), "valueQuantity": made.quantity()},
            {"code": made.coding(), "valueCodeableConcept": made.concept()},
        ],
    }


def response(made: Making, id_: str) -> Resource:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": id_,
        "status": "completed",
        "questionnaire": made.chance.choice(
            ("http://x/q0", "http://x/q1|1", f"{BASE}/Questionnaire/q2", "Questionnaire/q3")
        ),
        "subject": made.reference("Patient", "Organization"),
        "authored": made.chance.choice(TIMES),
        "identifier": made.identifier(),
    }


def document(made: Making, id_: str) -> Resource:
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "subject": made.reference("Patient"),
        "content": [
            {
                "attachment": {
                    "url": made.chance.choice(("http://x/a", "Binary/1")),
                    "contentType": "text/plain",
                }
            }
        ],
        "relatesTo": [
            {
                "code": made.chance.choice(("replaces", "appends")),
                "target": {"reference": f"DocumentReference/d{made.chance.randrange(8)}"},
            }
            for _ in range(2)
        ],
    }


def charge(made: Making, id_: str) -> Resource:
    return {
        "resourceType": "ChargeItem",
        "id": id_,
        "status": "billable",
        "subject": made.reference("Patient", "Group"),
        "code": made.concept(),
        "factorOverride": Decimal(made.chance.choice(NUMBERS)),
        "quantity": made.quantity(),
        "priceOverride": {
            "value": Decimal(made.chance.choice(NUMBERS)),
            "currency": made.chance.choice(("CNY", "EUR")),
        },
    }
