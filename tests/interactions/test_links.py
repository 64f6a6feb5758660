"""https://hl7.org/fhir/R4/http.html#trules"""

import pytest

from fhir_server.interactions.links import Links
from fhir_server.resource import Resource, parse
from tests.examples import official_examples
from tests.interactions.fhir import definitions

LINKS = Links(definitions())


class Prefixed:
    """Puts a prefix before each link."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def link(self, link: str) -> str:
        self.seen.append(link)
        return f"urn:x:{link}"

    reference = link


class Restored(Prefixed):
    def link(self, link: str) -> str:
        return link.removeprefix("urn:x:")

    reference = link


class Kept(Prefixed):
    def link(self, link: str) -> str:
        self.seen.append(link)
        return link

    reference = link


def links_of(resource: Resource) -> list[str]:
    found = Kept()
    LINKS.replace(resource, found)
    return found.seen


def test_a_resource_whose_links_stay_is_not_copied() -> None:
    for _, text in official_examples():
        resource = parse(text)
        assert LINKS.replace(resource, Kept()) is resource


def test_links_that_are_replaced_and_replaced_back_leave_the_resource_as_it_was() -> None:
    for _, text in official_examples():
        resource = parse(text)
        changed = LINKS.replace(resource, Prefixed())
        assert resource == parse(text)
        assert LINKS.replace(changed, Restored()) == resource


TO_A = {"reference": "a"}
BASIC = {"resourceType": "Basic", "subject": TO_A}


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ({"managingOrganization": TO_A}, ["a"]),
        ({"link": [{"other": TO_A}, {"other": {"reference": "b"}}]}, ["a", "b"]),
        ({"identifier": [{"assigner": TO_A, "system": "s"}]}, ["a"]),
        ({"extension": [{"url": "u", "valueReference": TO_A}]}, ["a"]),
        ({"modifierExtension": [{"url": "u", "valueUrl": "a"}]}, ["a"]),
        ({"_birthDate": {"extension": [{"url": "u", "valueUuid": "a"}]}}, ["a"]),
        ({"name": [{"_given": [None, {"extension": [{"valueOid": "a"}]}]}]}, ["a"]),
        ({"contained": [BASIC]}, ["a"]),
        ({"text": {"div": "<div><a class='c' href=\"a\">b</a><img src = 'c'/></div>"}}, ["a", "c"]),
        ({"text": {"div": "<div>href=\"a\" <p src='b'/> <abbr href='c'/></div>"}}, []),
        ({"generalPractitioner": [{"identifier": {"system": "a", "value": "b"}}]}, []),
        ({"resourceType": "Parameters", "parameter": [{"part": [{"valueReference": TO_A}]}]}, ["a"]),
        ({"resourceType": "Parameters", "parameter": [{"resource": BASIC}]}, ["a"]),
        ({"resourceType": "PlanDefinition", "url": "a", "library": ["b"]}, []),
        ({"resourceType": "Bundle", "entry": [{"fullUrl": "a", "resource": BASIC}]}, []),
    ],
)
def test_where_links_stand(elements: Resource, found: list[str]) -> None:
    assert links_of({"resourceType": "Patient"} | elements) == found


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "Nonsense", "subject": {"reference": "a"}},
        {"resourceType": ["Patient"]},
        {"resourceType": "Patient", "link": {"other": {"reference": "a"}}, "managingOrganization": "b"},
        {
            "resourceType": "Patient",
            "managingOrganization": {"reference": 5},
            "contained": [5, {"resourceType": 5}],
        },
        {"resourceType": "Patient", "text": {"div": 5}, "link": [None, [], "x"], "extension": None},
    ],
)
def test_what_has_another_structure_is_left_to_the_check(resource: Resource) -> None:
    assert LINKS.replace(resource, Prefixed()) is resource
