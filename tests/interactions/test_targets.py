"""Links to the entries of a transaction: https://hl7.org/fhir/R4/http.html#trules"""

from fhir_server.resource import Resource
from tests.interactions.fhir import (
    BASE,
    Fhir,
    O,
    P,
    Q,
    basic,
    bundle,
    location,
    observation,
    patient,
    plain,
    post,
    put,
)

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def test_links_to_entries_lead_to_what_was_stored(fhir: Fhir) -> None:
    fhir.transaction(post(observation(P), O), post(patient(), P))
    (found,) = fhir.read("Observation")["entry"]
    assert found["resource"]["subject"]["reference"] == "Patient/new-2"


def test_links_are_replaced_wherever_they_stand(fhir: Fhir) -> None:
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "text": {"status": "generated", "div": f"<div {XHTML}><a href='{P}'>{P}</a><img src='{P}'/></div>"},
        "extension": [{"url": "http://example.org/x", "valueUri": P}, {"url": "urn:y", "valueString": P}],
        "contained": [basic(id="b", subject={"reference": P})],
        "_status": {"extension": [{"url": "http://example.org/z", "valueReference": {"reference": P}}]},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": P}],
        "subject": {"reference": P, "display": P},
        "context": {"related": [{"reference": "#b"}, {"reference": P}]},
        "content": [{"attachment": {"url": P}}],
    }  # fmt: skip
    fhir.transaction(post(document), put(patient(id="p"), P))
    stored = fhir.read("DocumentReference")["entry"][0]["resource"]
    assert stored["text"]["div"].count("Patient/p") == 2 and stored["text"]["div"].count(P) == 1
    assert stored["extension"][0]["valueUri"] == "Patient/p"
    assert stored["contained"][0]["subject"]["reference"] == "Patient/p"
    assert stored["_status"]["extension"][0]["valueReference"]["reference"] == "Patient/p"
    assert stored["subject"] == {"reference": "Patient/p", "display": P}
    assert stored["context"]["related"] == [{"reference": "#b"}, {"reference": "Patient/p"}]
    assert stored["content"][0]["attachment"]["url"] == "Patient/p"
    # strings are no links
    assert stored["identifier"][0]["value"] == P
    assert stored["extension"][1]["valueString"] == P


def test_canonicals_are_not_replaced(fhir: Fhir) -> None:
    questionnaire = {"resourceType": "Questionnaire", "status": "active", "url": "urn:uuid:x"}
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": P}
    fhir.transaction(post(questionnaire, P), post(response))
    assert fhir.read("QuestionnaireResponse")["entry"][0]["resource"]["questionnaire"] == P


def test_names_of_definitions_and_systems_are_not_replaced(fhir: Fhir) -> None:
    url = "http://example.org/colours"
    system = {"resourceType": "CodeSystem", "status": "active", "content": "complete", "url": url}
    seen = {
        "code": {"coding": [{"system": url, "code": "red"}]},
        "extension": [{"url": url, "valueCode": "c"}],
    }
    answers = fhir.transaction(post(system, url), post(observation("Patient/1", **seen)))
    assert fhir.read(location(answers[0]))["url"] == url
    assert plain(fhir.read(location(answers[1]))) == observation("Patient/1", **seen)


def test_a_bundle_that_is_stored_keeps_its_links(fhir: Fhir) -> None:
    inner = bundle(
        "collection", {"fullUrl": P, "resource": patient(id="x")}, {"resource": observation(P, id="y")}
    )
    answers = fhir.transaction(post(patient(), P), post(inner))
    assert plain(fhir.read(location(answers[1]))) == inner


def test_relative_references_are_read_against_the_full_url(fhir: Fhir) -> None:
    other = "http://other.example/fhir"
    fhir.transaction(
        post(patient(), f"{other}/Patient/7"),
        post(observation("Patient/7"), f"{other}/Observation/8"),
        post(observation("Patient/7"), O),
        post(observation(f"{other}/Patient/7", status="amended")),
    )
    found = [each["resource"] for each in fhir.read("Observation?_sort=_id")["entry"]]
    assert [each["subject"]["reference"] for each in found] == ["Patient/new-1", "Patient/7", "Patient/new-1"]


def test_references_to_what_is_no_entry_are_left_alone(fhir: Fhir) -> None:
    for reference in ("Patient/1", "http://other.example/fhir/Patient/1", Q, f"{BASE}/Patient/1", "#me"):
        contained = {"contained": [patient(id="me")]} if reference == "#me" else {}
        (answer,) = fhir.transaction(post(observation(reference, **contained), O))
        assert fhir.read(location(answer))["subject"]["reference"] == reference


def test_a_reference_to_an_entry_of_this_server_is_kept_as_written(fhir: Fhir) -> None:
    answers = fhir.transaction(
        put(patient(id="1"), f"{BASE}/Patient/1"),
        post(observation(f"{BASE}/Patient/1"), f"{BASE}/Observation/x"),
    )
    assert fhir.read(location(answers[1]))["subject"]["reference"] == f"{BASE}/Patient/1"


def test_versioned_references_stay_versioned(fhir: Fhir) -> None:
    fhir("PUT", "Patient/q", patient(id="q"))
    link = [{"other": {"reference": f"{P}/_history/5"}, "type": "seealso"}]
    answers = fhir.transaction(
        post(patient(active=True), P),
        put(patient(id="q", link=link), Q),
        post(observation(f"{Q}/_history/9"), O),
    )
    assert fhir.read("Patient/q")["link"][0]["other"]["reference"] == f"{location(answers[0])}/_history/1"
    assert fhir.read(location(answers[2]))["subject"]["reference"] == "Patient/q/_history/2"


def test_a_version_that_is_referred_to_is_made_even_when_nothing_changed(fhir: Fhir) -> None:
    fhir("PUT", "Patient/q", patient(id="q"))
    answers = fhir.transaction(put(patient(id="q"), Q), post(observation(f"{Q}/_history/1")))
    reference = fhir.read(location(answers[1]))["subject"]["reference"]
    assert reference == answers[0]["response"]["location"] == "Patient/q/_history/2"


def test_D14_rings_of_references(fhir: Fhir) -> None:
    def linked(to: str) -> Resource:
        return patient(link=[{"other": {"reference": to}, "type": "seealso"}])

    answers = fhir.transaction(post(linked(Q), P), post(linked(P), Q), post(linked(O), O))
    first, second, own = (location(answer) for answer in answers)
    assert fhir.read(first)["link"][0]["other"]["reference"] == second
    assert fhir.read(second)["link"][0]["other"]["reference"] == first
    assert fhir.read(own)["link"][0]["other"]["reference"] == own
