"""https://hl7.org/fhir/R4/search.html#uri"""

import pytest

from tests.search.searching import fits, found, refused

SET = {"resourceType": "ValueSet", "url": "http://acme.org/fhir/ValueSet/123,124"}


def test_exact_and_whole() -> None:
    assert fits(SET, r"url=http://acme.org/fhir/ValueSet/123\,124")
    assert fits(SET, r"url=urn:other,http://acme.org/fhir/ValueSet/123\,124")
    for text in ("http://acme.org/fhir/ValueSet/123,124", "http://acme.org/fhir", "HTTP://ACME.ORG"):
        assert not fits(SET, f"url={text}")


def sets(*urls: str) -> list[dict[str, str]]:
    return [{"resourceType": "ValueSet", "id": str(number), "url": url} for number, url in enumerate(urls)]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("http://acme.org/fhir/", "034"),
        ("http://acme.org/fhir", "0345"),
        ("http://acme.org/fhir/ValueSet/1", "03"),
        ("http://acme.org", "01345"),
        ("http://ACME.org/fhir", ""),
        ("http://none.org,http://acme.org/fhir/ValueSet/2", "4"),
        ("urn:oid:1.2", "67"),
        ("urn:oid:1.2.3", "7"),
    ],
)
def test_below_is_what_begins_so_up_to_a_step_of_the_path(search: str, expected: str) -> None:
    stored = sets(
        "http://acme.org/fhir/ValueSet/1",
        "http://acme.org/fhirs/ValueSet/1",
        "http://acme.orga/fhir/ValueSet/1",
        "http://acme.org/fhir/ValueSet/1/_history/5",
        "http://acme.org/fhir/ValueSet/2",
        "http://acme.org/fhir#fragment",
        "urn:oid:1.2",
        "urn:oid:1.2.3",
        "urn:oid:1.20",
    )
    assert "".join(found(stored, f"ValueSet?url:below={search.replace('#', '%23')}")) == expected


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("http://acme.org/fhir/ValueSet/123/_history/5", "0123"),
        ("http://acme.org/fhir/ValueSet/123", "013"),
        ("http://acme.org/fhir/ValueSet/123?x=/y|1", "013"),
        ("http://acme.org/fhi", "3"),
        ("urn:oid:1.2.3", "56"),
        ("urn:oid:1.25", "7"),
    ],
)
def test_above_is_what_the_path_comes_through(search: str, expected: str) -> None:
    stored = sets(
        "http://acme.org/fhir/ValueSet/123",
        "http://acme.org/fhir/",
        "http://acme.org/fhir/ValueSet/123/_history/5",
        "http://acme.org",
        "http://acme.org/fhir/ValueSet/12",
        "urn:oid:1.2",
        "urn:oid:1.2.3",
        "urn:oid:1.25",
    )
    assert "".join(found(stored, f"ValueSet?url:above={search}")) == expected


@pytest.mark.parametrize("modifier", ["below", "above"])
@pytest.mark.parametrize("text", ["urn:uuid:9d5eeb8e-0d3a-4a52-a3ec-6ed09aee4d65", "acme", "urn:acme:1"])
def test_400_where_nothing_is_above_or_below(modifier: str, text: str) -> None:
    issue = refused(f"ValueSet?url:{modifier}={text}").issues[0]
    assert issue.code == "value"
    assert text in issue.diagnostics


def test_a_version_of_a_definition() -> None:
    stored = [
        {"resourceType": "ValueSet", "id": version, "url": "http://acme.org/v", "version": version}
        for version in ("1.0", "2.0")
    ]
    assert found(stored, "ValueSet?url=http://acme.org/v|1.0") == ["1.0"]
    assert found(stored, "ValueSet?url=http://acme.org/v|1.0,http://acme.org/v|2.0") == ["1.0", "2.0"]
    assert found(stored, "ValueSet?url=http://acme.org/v|3") == []
    assert found(stored, r"ValueSet?url=http://acme.org/v\|1.0") == []
    assert found(stored, "ValueSet?url=http://acme.org/v") == ["1.0", "2.0"]


def test_versions_of_profiles() -> None:
    stored = [
        {"resourceType": "Patient", "id": version, "meta": {"profile": [f"http://acme.org/p|{version}"]}}
        for version in ("1.0", "1.1", "10.0")
    ]
    assert found(stored, "Patient?_profile:below=http://acme.org/p|1") == ["1.0", "1.1"]
    assert found(stored, "Patient?_profile:below=http://acme.org") == ["1.0", "1.1", "10.0"]
