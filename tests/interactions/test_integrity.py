"""References lead to something: https://hl7.org/fhir/R4/http.html#delete, catalogue C10."""

from typing import Any

import pytest

from fhir_server.interactions.request import Request
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from fhir_server.store.algebra import IdIn, Node
from tests.interactions.fhir import (
    BASE,
    MRN,
    Fhir,
    O,
    P,
    basic,
    codes,
    content,
    entry,
    identified,
    observation,
    patient,
    plain,
    post,
    put,
    request,
    statuses,
)


@pytest.fixture(autouse=True)
def kept(fhir: Fhir) -> None:
    fhir.settings(referential_integrity=("Observation",))


def places(error: FhirError) -> list[tuple[str, str | None, str | None]]:
    return [(issue.code, issue.expression, issue.message) for issue in error.issues]


def at(expression: str) -> list[tuple[str, str | None, str | None]]:
    return [("business-rule", expression, "reference-target")]


def test_C10_a_reference_to_what_is_absent(fhir: Fhir) -> None:
    error = fhir.refused("POST", "Observation", observation("Patient/1"))
    assert (error.status, places(error)) == (422, at("Observation.subject.reference"))
    assert error.issues[0].diagnostics == "Observation.subject.reference: 'Patient/1' is not here"
    assert fhir.log_length() == 0


def test_C10_a_reference_to_what_is_deleted(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    error = fhir.refused("PUT", "Observation/1", observation("Patient/1", id="1"))
    assert (error.status, places(error)) == (422, at("Observation.subject.reference"))
    assert "is deleted" in error.issues[0].diagnostics


def test_C10_in_a_transaction_to_a_sibling(fhir: Fhir) -> None:
    assert statuses(fhir.transaction(post(observation(P)), post(patient(), P))) == ["201 Created"] * 2
    sibling = put(observation("Patient/2", id="2")), put(patient(id="2"))
    assert statuses(fhir.transaction(*sibling)) == ["201 Created"] * 2


def test_C10_in_a_transaction_to_nothing(fhir: Fhir) -> None:
    error = fhir.refused_transaction(post(patient(), P), post(observation("Patient/9"), O))
    assert (error.status, places(error)) == (422, at("Bundle.entry[1].resource.subject.reference"))
    assert fhir.log_length() == 0


def test_C10_in_a_batch_each_entry_for_itself(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    answers = fhir.batch(post(observation("Patient/1")), post(observation("Patient/2")))
    assert [status[:3] for status in statuses(answers)] == ["201", "422"]


def test_types_that_the_setting_does_not_name_are_free(fhir: Fhir) -> None:
    assert fhir("POST", "Basic", basic(subject={"reference": "Patient/1"})).status == 201
    fhir.settings(referential_integrity=("*",))
    assert codes(fhir.refused("POST", "Basic", basic(subject={"reference": "Patient/1"}))) == (
        422,
        "business-rule",
    )
    fhir.settings(referential_integrity=())
    assert fhir("POST", "Observation", observation("Patient/1")).status == 201


def test_every_reference_without_a_target_is_told(fhir: Fhir) -> None:
    contained = {"resourceType": "Specimen", "id": "s", "subject": {"reference": "Patient/3"}}
    given = observation(
        "Patient/1",
        contained=[contained],
        specimen={"reference": "#s"},
        performer=[{"reference": "Practitioner/1"}, {"reference": "Patient/1"}],
        extension=[{"url": "http://example.org/e", "valueReference": {"reference": "Group/1"}}],
        _status={"extension": [{"url": "http://example.org/e", "valueReference": {"reference": "Group/1"}}]},
    )
    error = fhir.refused("POST", "Observation", given)
    assert sorted(str(issue.expression) for issue in error.issues) == [
        "Observation.contained[0].subject.reference",
        "Observation.extension[0].value.reference",
        "Observation.performer[0].reference",
        "Observation.performer[1].reference",
        "Observation.status.extension[0].value.reference",
        "Observation.subject.reference",
    ]


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "http://other.example.org/fhir/Patient/1"},
        {"identifier": {"value": "1"}},
        {"display": "somebody"},
        {"reference": "Patient/here"},
        {"reference": "Patient/here/_history/1"},
        {"reference": f"{BASE}/Patient/here"},
    ],
)
def test_references_elsewhere_and_to_what_is_here_are_fine(fhir: Fhir, subject: Resource) -> None:
    fhir("PUT", "Patient/here", patient(id="here"))
    assert fhir("POST", "Observation", observation("") | {"subject": subject}).status == 201


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{BASE}/Patient/1", "is not here"),
        ("Patient/here/_history/2", "names a version that is not here, the last is 1"),
        ("Patient/here/_history/0", "names a version that is not here, the last is 1"),
        ("Patient/here/_history/x", "names a version that is not here, the last is 1"),
        (P, "names no entry of the Bundle that it came in"),
    ],
)
def test_references_that_lead_nowhere(fhir: Fhir, text: str, problem: str) -> None:
    fhir("PUT", "Patient/here", patient(id="here"))
    error = fhir.refused("POST", "Observation", observation(text))
    assert (error.status, places(error)) == (422, at("Observation.subject.reference"))
    assert error.issues[0].diagnostics.endswith(problem)


def test_a_resource_may_refer_to_itself(fhir: Fhir) -> None:
    fhir.settings(referential_integrity=("Patient",))
    link = [{"other": {"reference": "Patient/1"}, "type": "seealso"}]
    assert fhir("PUT", "Patient/1", patient(id="1", link=link)).status == 201
    assert fhir("DELETE", "Patient/1").status == 204


def test_a_stored_bundle_is_a_world_of_its_own(fhir: Fhir) -> None:
    fhir.settings(referential_integrity=("*",))
    document = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": observation("Patient/1")}],
    }
    assert fhir("POST", "Bundle", document).status == 201


@pytest.mark.parametrize(
    ("method", "url", "given"),
    [
        ("PUT", "Observation/1", {}),
        ("PUT", f"Observation?{MRN}1", {}),
        ("POST", "Observation", {"if_none_exist": f"{MRN}2"}),
    ],
)
def test_every_way_of_writing_is_guarded(fhir: Fhir, method: Any, url: str, given: dict[str, Any]) -> None:
    resource = observation("Patient/1") | ({"id": "1"} if url == "Observation/1" else {})
    assert codes(fhir.refused(method, url, resource, **given)) == (422, "business-rule")


def test_a_patch_is_guarded(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("PUT", "Observation/1", observation("Patient/1", id="1"))
    patch = [{"op": "replace", "path": "/subject/reference", "value": "Patient/2"}]
    assert codes(fhir.refused("PATCH", "Observation/1", patch=patch)) == (422, "business-rule")
    assert plain(fhir.read("Observation/1")) == observation("Patient/1")


# ---- deletion


def referred_to(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", identified("1", id="1"))
    fhir("PUT", "Observation/1", observation("Patient/1", id="1"))


def test_what_is_referred_to_is_not_deleted(fhir: Fhir) -> None:
    referred_to(fhir)
    error = fhir.refused("DELETE", "Patient/1")
    assert codes(error) == (409, "conflict")
    assert str(error) == "Patient/1 cannot be deleted: Observation/1 refers to it"
    assert codes(fhir.refused("DELETE", f"Patient?{MRN}1")) == (409, "conflict")
    assert fhir("GET", "Patient/1").status == 200


def test_what_is_referred_to_no_more_is_deleted(fhir: Fhir) -> None:
    referred_to(fhir)
    fhir("DELETE", "Observation/1")
    assert fhir("DELETE", "Patient/1").status == 204


def test_types_that_keep_no_references_hold_nobody_back(fhir: Fhir) -> None:
    referred_to(fhir)
    fhir.settings(referential_integrity=("Encounter",))
    assert fhir("DELETE", "Patient/1").status == 204


def test_a_transaction_is_judged_by_its_end(fhir: Fhir) -> None:
    referred_to(fhir)
    both = entry("DELETE", "Patient/1"), entry("DELETE", "Observation/1")
    assert statuses(fhir.transaction(*both)) == ["204 No Content"] * 2
    referred_to(fhir)
    elsewhere = put(observation("Patient/2", id="1")), put(patient(id="2")), entry("DELETE", "Patient/1")
    assert [status[:3] for status in statuses(fhir.transaction(*elsewhere))] == ["200", "201", "204"]


def test_a_transaction_that_takes_a_target_away_is_refused(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused_transaction(entry("DELETE", "Patient/1"), post(observation("Patient/1")))
    assert error.status in (409, 422)
    assert fhir("GET", "Patient/1").status == 200


def test_a_client_that_may_not_see_the_referrer_is_not_told_of_it(fhir: Fhir) -> None:
    referred_to(fhir)

    def access(resource_type: str) -> Node:
        return IdIn(("1",)) if resource_type == "Patient" else IdIn(())

    error = fhir.refused("DELETE", "Patient/1", access=access)
    assert str(error) == "Patient/1 cannot be deleted: another resource refers to it"


def test_G05_a_hidden_target_is_answered_like_an_absent_one(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("PUT", "Patient/3", patient(id="3"))
    fhir("DELETE", "Patient/3")
    said = set()
    for id_ in ("1", "2", "3"):
        error = fhir.refused("POST", "Observation", observation(f"Patient/{id_}"), access=lambda _: IdIn(()))
        assert codes(error) == (422, "business-rule")
        said.add(str(error).replace(f"Patient/{id_}", "Patient/x"))
    assert len(said) == 1
    assert fhir("POST", "Observation", observation("Patient/1"), access=lambda _: IdIn(("1",))).status == 201


def test_writes_and_deletions_at_once_leave_no_reference_without_target(fhir: Fhir) -> None:
    for number in range(20):
        fhir("PUT", f"Patient/{number}", patient(id=str(number)))

    def rivals(number: int) -> list[Request]:
        write = request("PUT", f"Observation/{number}", observation(f"Patient/{number}", id=str(number)))
        delete = request("DELETE", f"Patient/{number}")
        return [write, delete] if number % 2 else [delete, write]

    answers = fhir.together(each for number in range(20) for each in rivals(number))
    refused = [answer for answer in answers if isinstance(answer, FhirError)]
    assert {error.status for error in refused} == {409, 422}
    assert len(refused) == 20  # of each pair one
    found = content(fhir("GET", "Observation?_count=50")).get("entry", [])
    assert {fhir("GET", each["resource"]["subject"]["reference"]).status for each in found} == {200}


# ---- what tells of it


def test_the_capability_statement_tells(fhir: Fhir) -> None:
    resources = {each["type"]: each for each in fhir.read("metadata")["rest"][0]["resource"]}
    assert "enforced" in resources["Observation"]["referencePolicy"]
    assert "enforced" not in resources["Encounter"]["referencePolicy"]


def told(fhir: Fhir, url: str, resource: Resource | None = None) -> list[tuple[str, str]]:
    issues = content(fhir("POST" if resource else "GET", url, resource))["issue"]
    return [
        (each["severity"], each.get("expression", [""])[0]) for each in issues if each["severity"] == "error"
    ]


def test_validate_tells_of_references(fhir: Fhir) -> None:
    assert told(fhir, "Observation/$validate", observation("Patient/1")) == [
        ("error", "Observation.subject.reference")
    ]
    fhir("PUT", "Patient/1", patient(id="1"))
    assert told(fhir, "Observation/$validate", observation("Patient/1")) == []


def test_validate_of_a_bundle_knows_its_entries(fhir: Fhir) -> None:
    entries = (
        post(observation(P), O),
        post(patient(), P),
        post(observation("Patient/9")),
        post(observation(f"Patient?{MRN}1")),
    )
    given = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    assert told(fhir, "Bundle/$validate", given) == [("error", "Bundle.entry[2].resource.subject.reference")]


def test_validate_tells_what_cannot_be_deleted(fhir: Fhir) -> None:
    referred_to(fhir)
    assert told(fhir, "Patient/1/$validate?mode=delete") == [("error", "")]
    assert told(fhir, "Observation/1/$validate?mode=delete") == []
