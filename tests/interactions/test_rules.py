"""Rules that look at the state are asked on every way on which a resource changes."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fhir_server.interactions.request import SERVER
from fhir_server.interactions.rules import Proposal
from fhir_server.outcome import Issue, forbidden
from fhir_server.resource import Resource
from tests.interactions.fhir import (
    MRN,
    Fhir,
    O,
    P,
    basic,
    bundle,
    codes,
    content,
    entry,
    identified,
    observation,
    patient,
    plain,
    post,
    put,
    statuses,
)

UPPER = "Organization/upper"
JSON_PATCH = [{"op": "add", "path": "/gender", "value": "female"}]
FHIRPATH_PATCH = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Patient"},
                {"name": "name", "valueString": "gender"},
                {"name": "value", "valueCode": "female"},
            ],
        }
    ],
}
BINARY = {
    "resourceType": "Binary",
    "contentType": "application/json-patch+json",
    "data": b64encode(json.dumps(JSON_PATCH).encode()).decode(),
}


class Rule:
    """Remembers what it was asked, and answers what it was told to."""

    def __init__(self, answer: Callable[[Proposal], Resource | None] = lambda asked: asked.after) -> None:
        self.answer = answer
        self.asked: list[Proposal] = []

    async def __call__(self, proposal: Proposal) -> Resource | None:
        self.asked.append(proposal)
        return self.answer(proposal)


def ruled(fhir: Fhir, **rules: Any) -> None:
    """`Patient=rule` or `Patient=(rule, rule)`; their order is that of the types."""
    given = {name: rule if isinstance(rule, tuple) else (rule,) for name, rule in rules.items()}
    fhir.context = replace(fhir.context, rules=given)


def refuse(proposal: Proposal) -> Resource | None:
    raise forbidden("not you")


WRITES: dict[str, Callable[[Fhir], Any]] = {
    "create": lambda fhir: fhir("POST", "Patient", patient()),
    "conditional create": lambda fhir: fhir("POST", "Patient", patient(), if_none_exist=f"{MRN}none"),
    "update": lambda fhir: fhir("PUT", "Patient/1", identified("1", id="1", gender="female")),
    "update as create": lambda fhir: fhir("PUT", "Patient/9", patient(id="9")),
    "conditional update": lambda fhir: fhir("PUT", f"Patient?{MRN}1", identified("1", gender="female")),
    "JSON Patch": lambda fhir: fhir("PATCH", "Patient/1", patch=JSON_PATCH),
    "FHIRPath Patch": lambda fhir: fhir("PATCH", "Patient/1", FHIRPATH_PATCH),
    "conditional patch": lambda fhir: fhir("PATCH", f"Patient?{MRN}1", patch=JSON_PATCH),
    "delete": lambda fhir: fhir("DELETE", "Patient/1"),
    "conditional delete": lambda fhir: fhir("DELETE", f"Patient?{MRN}1"),
}
ENTRIES: dict[str, Resource] = {
    "create": post(patient()),
    "conditional create": post(patient(), ifNoneExist=f"{MRN}none"),
    "update": put(identified("1", id="1", gender="female")),
    "conditional update": entry("PUT", f"Patient?{MRN}1", identified("1", gender="female")),
    "JSON Patch": entry("PATCH", "Patient/1", BINARY),
    "FHIRPath Patch": entry("PATCH", "Patient/1", FHIRPATH_PATCH),
    "conditional patch": entry("PATCH", f"Patient?{MRN}1", FHIRPATH_PATCH),
    "delete": entry("DELETE", "Patient/1"),
    "conditional delete": entry("DELETE", f"Patient?{MRN}1"),
}


@pytest.fixture
def there(fhir: Fhir) -> Fhir:
    """With Patient/1, which `identified("1")` is."""
    fhir("PUT", "Patient/1", identified("1", id="1"))
    return fhir


@pytest.mark.parametrize("way", WRITES)
def test_every_interaction_asks_them(there: Fhir, way: str) -> None:
    rule = Rule(refuse)
    ruled(there, Patient=rule)
    before = there.log_length()
    with pytest.raises(Exception, match="not you"):
        WRITES[way](there)
    assert len(rule.asked) == 1
    assert there.log_length() == before


@pytest.mark.parametrize("way", ENTRIES)
def test_every_entry_of_a_transaction_asks_them(there: Fhir, way: str) -> None:
    rule = Rule(refuse)
    ruled(there, Patient=rule)
    before = there.log_length()
    error = there.refused_transaction(post(basic()), ENTRIES[way])
    assert codes(error) == (403, "forbidden")
    assert error.issues[0].expression == "Bundle.entry[1]"
    assert len(rule.asked) == 1
    assert there.log_length() == before


@pytest.mark.parametrize("way", ENTRIES)
def test_every_entry_of_a_batch_asks_them(there: Fhir, way: str) -> None:
    ruled(there, Patient=Rule(refuse))
    assert statuses(there.batch(ENTRIES[way], post(basic()))) == ["403 Forbidden", "201 Created"]


@pytest.mark.parametrize("way", WRITES)
def test_what_they_let_pass_is_written(there: Fhir, way: str) -> None:
    ruled(there, Patient=Rule())
    before = there.log_length()
    assert WRITES[way](there).status in (200, 201, 204)
    assert there.log_length() == before + 1


def test_they_see_what_is_there_what_is_asked_for_and_by_whom(there: Fhir) -> None:
    rule = Rule()
    ruled(there, Patient=rule)
    there("PUT", "Patient/1", identified("1", id="1", gender="male"), organization=UPPER)
    (asked,) = rule.asked
    assert asked.before is not None and asked.after is not None
    assert (asked.before.get("gender"), asked.before["meta"]["versionId"]) == (None, "1")
    assert (asked.after["gender"], asked.after["id"]) == ("male", "1")
    assert (asked.request.organization, asked.method, asked.id) == (UPPER, "PUT", "1")


@pytest.mark.parametrize("type_", ["transaction", "batch"])
def test_entries_act_for_the_organisation_of_the_bundle(there: Fhir, type_: str) -> None:
    rule = Rule()
    ruled(there, Patient=rule)
    there("POST", "", bundle(type_, ENTRIES["update"]), organization=UPPER)
    assert [asked.request.organization for asked in rule.asked] == [UPPER]


def test_of_a_deletion_and_of_what_is_new(there: Fhir) -> None:
    rule = Rule()
    ruled(there, Patient=rule)
    there("DELETE", "Patient/1")
    there("PUT", "Patient/1", patient(id="1"))
    there("POST", "Patient", patient())
    deleted, revived, created = rule.asked
    assert (deleted.after, deleted.method) == (None, "DELETE") and deleted.before is not None
    assert (revived.before, revived.method) == (None, "PUT")
    assert (created.before, created.after) == (None, patient(id=created.id))


def test_what_is_not_there_is_deleted_without_them(fhir: Fhir) -> None:
    ruled(fhir, Patient=Rule(refuse))
    assert fhir("DELETE", "Patient/1").status == 204


def test_what_they_answer_is_stored_and_found(fhir: Fhir) -> None:
    ruled(fhir, Patient=Rule(lambda asked: (asked.after or {}) | {"gender": "other"}))
    answer = fhir("PUT", "Patient/1", patient(id="1", gender="male"))
    assert plain(content(answer)) == patient(gender="other")
    assert fhir.total("Patient?gender=other") == 1
    assert fhir.total("Patient?gender=male") == 0


class Strict:
    """Stands for profiles: each Patient needs a gender."""

    def concerns(self, resource: Resource) -> bool:
        return resource["resourceType"] == "Patient"

    async def check(self, resource: Resource, at: str) -> list[Issue]:
        return [] if "gender" in resource else [Issue("error", "required", f"{at}.gender", f"{at}.gender")]


def test_what_they_answer_is_checked_against_profiles(fhir: Fhir) -> None:
    ruled(fhir, Patient=Rule(lambda asked: (asked.after or {}) | {"gender": "other"}))
    fhir.context = replace(fhir.context, profiles=Strict())  # type: ignore[arg-type]
    assert fhir("PUT", "Patient/1", patient(id="1")).status == 201
    ruled(fhir, Patient=Rule(lambda asked: {k: v for k, v in (asked.after or {}).items() if k != "gender"}))
    assert fhir.refused("PUT", "Patient/1", patient(id="1", gender="male")).status == 422
    error = fhir.refused_transaction(put(patient(id="1", gender="male")))
    assert (error.status, error.issues[0].expression) == (422, "Bundle.entry[0].resource.gender")


def test_no_profile_stops_the_server(fhir: Fhir) -> None:
    ruled(fhir, Patient=Rule())
    fhir.context = replace(fhir.context, profiles=Strict())  # type: ignore[arg-type]
    assert fhir("PUT", "Patient/1", patient(id="1"), organization=SERVER).status == 201
    assert fhir.refused("PUT", "Patient/1", patient(id="1", active=True)).status == 422


def test_each_rule_sees_what_the_one_before_answered(fhir: Fhir) -> None:
    second = Rule()
    ruled(fhir, Patient=(Rule(lambda asked: (asked.after or {}) | {"gender": "other"}), second))
    fhir("PUT", "Patient/1", patient(id="1"))
    assert [(asked.after or {})["gender"] for asked in second.asked] == ["other"]


def test_what_breaks_the_base_specification_is_not_asked_about(fhir: Fhir) -> None:
    rule = Rule()
    ruled(fhir, Patient=rule)
    assert fhir.refused("PUT", "Patient/1", patient(id="1", gender=1)).status == 400
    assert rule.asked == []


def test_an_old_version_is_412_before_they_are_asked(there: Fhir) -> None:
    rule = Rule(refuse)
    ruled(there, Patient=rule)
    given = {"if_match": 'W/"7"'}
    assert there.refused("PUT", "Patient/1", patient(id="1"), **given).status == 412
    assert there.refused("PATCH", "Patient/1", patch=JSON_PATCH, **given).status == 412
    assert there.refused("DELETE", "Patient/1", **given).status == 412
    assert there.refused_transaction(put(patient(id="1"), ifMatch='W/"7"')).status == 412
    assert rule.asked == []


def test_they_write_beside_it_as_the_server(fhir: Fhir) -> None:
    written = Rule()

    class Writing(Rule):
        async def __call__(self, proposal: Proposal) -> Resource | None:
            await proposal.unit.put(basic())
            await proposal.unit.put(basic(id="1"))
            return proposal.after

    ruled(fhir, Basic=written, Patient=Writing())
    fhir("PUT", "Patient/1", patient(id="1"), organization=UPPER, if_none_match="*")
    assert [asked.request.organization for asked in written.asked] == [SERVER, SERVER]
    assert fhir.total("Basic") == 2


def test_what_they_write_goes_when_the_change_fails(fhir: Fhir) -> None:
    class Writing(Rule):
        async def __call__(self, proposal: Proposal) -> Resource | None:
            await proposal.unit.put(basic())
            raise forbidden("not you")

    ruled(fhir, Patient=Writing())
    fhir.refused("PUT", "Patient/1", patient(id="1"))
    assert fhir.total("Basic") == 0


def test_they_read_the_state(there: Fhir) -> None:
    found: list[Resource | None] = []

    class Reading(Rule):
        async def __call__(self, proposal: Proposal) -> Resource | None:
            for reference in (
                "Patient/1",
                "Patient/1/_history/1",
                "Patient/2",
                "urn:uuid:1",
                "Patient/1/x/1",
            ):
                found.append(await proposal.unit.resource(reference))
            return proposal.after

    ruled(there, Basic=Reading())
    there("POST", "Basic", basic())
    assert [each and each["id"] for each in found] == ["1", "1", None, None, None]


@pytest.mark.parametrize("turned", [False, True])
def test_in_a_transaction_they_see_what_stands_before_them(fhir: Fhir, turned: bool) -> None:
    """Whatever the order of the entries: catalogue D14."""
    seen: list[bool] = []

    class Reading(Rule):
        async def __call__(self, proposal: Proposal) -> Resource | None:
            subject = (proposal.after or {})["subject"]["reference"]
            seen.append(await proposal.unit.resource(subject) is not None)
            return proposal.after

    ruled(fhir, Patient=Rule(), Observation=Reading())
    entries = [post(observation(P)), post(patient(), P)]
    fhir.transaction(*(reversed(entries) if turned else entries))
    assert seen == [True]


def test_they_see_what_waits_for_a_conditional_reference(there: Fhir) -> None:
    seen: list[bool] = []

    class Reading(Rule):
        async def __call__(self, proposal: Proposal) -> Resource | None:
            subject = (proposal.after or {})["subject"]["reference"]
            seen.append(await proposal.unit.resource(subject) is not None)
            return proposal.after

    ruled(there, Observation=Rule(), Basic=Reading())
    there.transaction(post(basic(subject={"reference": O})), post(observation(f"Patient?{MRN}1"), O))
    assert seen == [True]


def test_a_conditional_reference_to_what_has_rules_is_found(fhir: Fhir) -> None:
    """The Basic would wait for the Patient, and the Patient for all Basics."""
    ruled(fhir, Patient=Rule())
    document = basic(subject={"reference": f"Patient?{MRN}1"})
    answers = fhir.transaction(post(document), post(identified("1")))
    assert statuses(answers) == ["201 Created", "201 Created"]


def test_they_find_what_is_there_and_what_the_unit_wrote(there: Fhir) -> None:
    found: list[list[str]] = []

    class Finding(Rule):
        async def __call__(self, proposal: Proposal) -> Resource | None:
            patients = await proposal.unit.find("Patient", f"{MRN}1,{MRN.removeprefix('identifier=')}2")
            found.append(sorted(each["identifier"][0]["value"] for each in patients))
            return proposal.after

    ruled(there, Basic=Finding())
    there.transaction(post(basic()), post(identified("2")))
    assert found == [["1", "2"]]
