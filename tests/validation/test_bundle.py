"""Rules of Bundles beyond their constraints: one example and one violation each."""

from typing import Any

import pytest

from fhir_server.validation.bundle import issues
from tests.validation.checking import validator

A, B = (f"urn:uuid:00000000-0000-4000-8000-00000000000{digit}" for digit in "12")
COMPOSITION: dict[str, Any] = {
    "resourceType": "Composition",
    "status": "final",
    "type": {"text": "x"},
    "date": "2024",
    "author": [{"reference": B}],
    "title": "x",
}
AUTHOR: dict[str, Any] = {"resourceType": "Practitioner", "active": True}


def bundle(type_: str, *entries: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"resourceType": "Bundle", "type": type_, "entry": list(entries)}
    if type_ == "document":
        found |= {"identifier": {"system": "urn:x:y", "value": "1"}, "timestamp": "2024-01-01T00:00:00Z"}
    assert validator().check(found) == []
    return found


def entry(url: str | None, resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource} if url is None else {"fullUrl": url, "resource": resource}


def found(resource: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [(issue.severity, issue.message, issue.expression) for issue in issues(resource, "Bundle")]


def test_a_document_that_holds_what_it_speaks_of() -> None:
    assert found(bundle("document", entry(A, COMPOSITION), entry(B, AUTHOR))) == []


def test_a_document_lacks_what_it_speaks_of() -> None:
    at = "Bundle.entry[0].resource.author[0].reference"
    assert found(bundle("document", entry(A, COMPOSITION))) == [("error", "bundle-reference", at)]


def test_a_document_holds_what_nothing_leads_to() -> None:
    whole = bundle("document", entry(A, COMPOSITION), entry(B, AUTHOR), entry("urn:x:3", dict(AUTHOR)))
    assert found(whole) == [("warning", "bundle-unreached", "Bundle.entry[2]")]


def test_what_leads_to_the_composition_belongs_to_it() -> None:
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": A}],
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": {"reference": B}}],
    }
    whole = bundle("document", entry(A, COMPOSITION), entry(B, AUTHOR), entry("urn:x:3", provenance))
    assert found(whole) == []


def test_a_message_may_refer_to_what_is_elsewhere() -> None:
    header = {
        "resourceType": "MessageHeader",
        "eventUri": "urn:x:e",
        "source": {"endpoint": "http://example.org"},
        "focus": [{"reference": "Patient/1"}],
    }
    at = "Bundle.entry[0].resource.focus[0].reference"
    assert found(bundle("message", entry(A, header))) == [("warning", "bundle-reference", at)]


def test_relative_references_are_those_of_the_base_of_the_entry() -> None:
    subject = {"reference": "Patient/1"}
    condition = {"resourceType": "Condition", "id": "c", "subject": subject}
    composition = COMPOSITION | {"author": [{"reference": "Condition/c"}], "id": "1"}
    # a Composition's author is no Condition: only the resolution of references is looked at here
    composition["author"] = [{"reference": "Practitioner/p"}]
    entries = [
        entry("http://example.org/fhir/Composition/1", composition),
        entry("http://example.org/fhir/Practitioner/p", AUTHOR | {"id": "p"}),
        entry("http://example.org/fhir/Condition/c", condition),
    ]
    assert ("error", "bundle-reference", "Bundle.entry[2].resource.subject.reference") in found(
        bundle("document", *entries)
    )
    assert ("error", "bundle-reference", "Bundle.entry[0].resource.author[0].reference") not in found(
        bundle("document", *entries)
    )


def test_a_page_has_one_next() -> None:
    entries = [entry(A, {"resourceType": "Patient", "active": True})]
    links = [{"relation": "next", "url": "http://x.org/1"}, {"relation": "next", "url": "http://x.org/2"}]
    assert found(bundle("searchset", *entries) | {"link": links[:1]}) == []
    assert found(bundle("searchset", *entries) | {"link": links}) == [
        ("error", "bundle-link", "Bundle.link[1]")
    ]


@pytest.mark.parametrize(
    ("type_", "url", "expected"),
    [
        ("collection", "http://example.org/fhir/Patient/1", []),
        ("collection", A, []),
        ("collection", None, ["bundle-full-url"]),
        ("collection", "http://example.org/fhir/Patient/2", ["bundle-full-url-id"]),
        ("collection", "http://example.org/fhir/Group/1", ["bundle-full-url-id"]),
        ("searchset", None, ["bundle-full-url"]),
        ("transaction", None, []),
        ("transaction", "http://example.org/fhir/Patient/2", ["bundle-full-url-id"]),
        ("transaction-response", "http://example.org/fhir/Patient/2", ["bundle-full-url-id"]),
    ],
)
def test_the_full_url_of_an_entry(type_: str, url: str | None, expected: list[str]) -> None:
    one = entry(url, {"resourceType": "Patient", "id": "1"})
    if type_ == "transaction":
        one["request"] = {"method": "PUT", "url": "Patient/1"}
    if type_ == "transaction-response":
        one["response"] = {"status": "200"}
    assert [message for _, message, _ in found(bundle(type_, one))] == expected


@pytest.mark.parametrize(("type_", "expected"), [("transaction", []), ("collection", ["bundle-full-url-id"])])
def test_a_resource_without_id_under_a_full_url(type_: str, expected: list[str]) -> None:
    one = entry("http://example.org/fhir/Patient/1", {"resourceType": "Patient", "active": True})
    if type_ == "transaction":
        one["request"] = {"method": "POST", "url": "Patient"}
    assert [message for _, message, _ in found(bundle(type_, one))] == expected
