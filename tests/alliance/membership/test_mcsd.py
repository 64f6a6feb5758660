"""The directory of IHE mCSD: every query of ITI-90 by GET and by POST, updates of ITI-91 with deletions.

https://profiles.ihe.net/ITI/mCSD/ITI-90.html, https://profiles.ihe.net/ITI/mCSD/ITI-91.html
"""

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from fhir_server.clock import format_instant
from fhir_server.config import Settings
from fhir_server.interactions.dispatch import perform
from fhir_server.resource import Resource, decode
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.log import Log
from tests.interactions.fhir import START_MS, Fhir, bundle, content, entry, post, put
from tests.rest.calling import MOMENT, TYPES, send_to

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SYSTEM, OTHER = "http://example.org/id", "http://example.org/other"
TYPES_OF = "https://profiles.ihe.net/ITI/mCSD/CodeSystem/IHE.mCSD.Organization.Location.Types"


def numbered(value: str) -> list[Resource]:
    return [{"system": SYSTEM, "value": value}]


def coded(code: str, system: str = TYPES_OF) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def to(name: str) -> Resource:
    return {"reference": name}


# of every type the one that the queries find, and another one that they do not
HERE: dict[str, Resource] = {
    "Organization": {
        "active": True, "identifier": numbered("o1"), "name": "示例县人民医院", "type": [coded("facility")],
        "partOf": to("Organization/above"), "endpoint": [to("Endpoint/here")],
    },
    "Location": {
        "identifier": numbered("l1"), "name": "示例县人民医院本部",
        "managingOrganization": to("Organization/here"), "status": "active",
        "type": [coded("facility")], "partOf": to("Location/above"),
        "position": {"longitude": 110, "latitude": 29},
    },
    "Practitioner": {
        "active": True, "identifier": numbered("p1"),
        "name": [{"text": "欧阳明", "family": "欧阳", "given": ["明"]}],
    },
    "PractitionerRole": {
        "active": True, "location": [to("Location/here")], "organization": to("Organization/here"),
        "practitioner": to("Practitioner/here"), "code": [coded("doctor")],
        "healthcareService": [to("HealthcareService/here")], "specialty": [coded("cardiology")],
    },
    "HealthcareService": {
        "active": True, "identifier": numbered("h1"), "location": [to("Location/here")], "name": "胸痛中心",
        "providedBy": to("Organization/here"), "type": [coded("chest-pain-center")],
    },
    "Endpoint": {
        "identifier": numbered("e1"), "managingOrganization": to("Organization/here"), "status": "active",
        "connectionType": {"code": "hl7-fhir-rest"}, "payloadType": [{"text": "x"}], "address": "http://example.org",
    },
    "OrganizationAffiliation": {
        "active": True, "period": {"start": "2020-01-01", "end": "2025-12-31"}, "identifier": numbered("a1"),
        "participatingOrganization": to("Organization/here"), "organization": to("Organization/above"),
        "code": [coded("member")], "endpoint": [to("Endpoint/here")],
    },
}  # fmt: skip
AWAY: dict[str, Resource] = {
    "Organization": {"active": False, "identifier": numbered("o2"), "name": "别处", "type": [coded("x")]},
    "Location": {"identifier": numbered("l2"), "name": "别处", "status": "suspended", "type": [coded("x")]},
    "Practitioner": {"active": False, "identifier": numbered("p2"), "name": [{"text": "李四"}]},
    "PractitionerRole": {"active": False, "code": [coded("x")], "specialty": [coded("x")]},
    "HealthcareService": {
        "active": False, "identifier": numbered("h2"), "name": "别处", "type": [coded("x")],
    },
    "Endpoint": {
        "identifier": numbered("e2"), "status": "off", "connectionType": {"code": "hl7-fhir-rest"},
        "payloadType": [{"text": "x"}], "address": "http://example.org",
    },
    "OrganizationAffiliation": {
        "active": False, "period": {"start": "2010-01-01", "end": "2012-12-31"}, "identifier": numbered("a2"),
        "code": [coded("x")],
    },
}  # fmt: skip

# type → queries that find the one alone
QUERIES: dict[str, tuple[str, ...]] = {
    "Organization": (
        "active=true", f"identifier={SYSTEM}|o1", "name=示例县", "name:contains=人民",
        "name:exact=示例县人民医院",
        f"type={TYPES_OF}|facility", "type=facility", "partof=Organization/above",
        "partof.name=上级", "active=true&name:contains=医院&type=facility",
    ),
    "Location": (
        f"identifier={SYSTEM}|l1", "name=示例县", "name:contains=本部", "name:exact=示例县人民医院本部",
        "organization=Organization/here", "status=active", "type=facility", "partof=Location/above",
        "near=29|110|5|km", "organization.name:contains=人民",
    ),
    "Practitioner": (
        "active=true", f"identifier={SYSTEM}|p1", "name=欧阳", "name:contains=阳明", "name:exact=欧阳明",
        "given=明", "given:exact=明", "family=欧阳", "family:contains=阳", "family:exact=欧阳",
    ),
    "PractitionerRole": (
        "active=true", "location=Location/here", "organization=Organization/here",
        "practitioner=Practitioner/here", f"role={TYPES_OF}|doctor", "service=HealthcareService/here",
        "specialty=cardiology", "practitioner.family=欧阳", "organization.identifier=o1",
    ),
    "HealthcareService": (
        "active=true", f"identifier={SYSTEM}|h1", "location=Location/here", "name=胸痛", "name:contains=中心",
        "name:exact=胸痛中心", "organization=Organization/here", "service-type=chest-pain-center",
    ),
    "Endpoint": (f"identifier={SYSTEM}|e1", "organization=Organization/here", "status=active"),
    "OrganizationAffiliation": (
        "active=true", "date=sa2019&date=eb2027", "date=ge2024-06-01", "date=lt2026&date=gt2013",
        f"identifier={SYSTEM}|a1",
        "participating-organization=Organization/here", "primary-organization=Organization/above",
        "role=member", "participating-organization.name=示例县",
    ),
}  # fmt: skip
# of ITI-90: parameters that a directory shall have
SHALL = {
    "Organization": {"active", "identifier", "name", "type", "partof"},
    "Location": {"identifier", "name", "organization", "status", "type", "partof", "near"},
    "Practitioner": {"active", "identifier", "name", "given", "family"},
    "PractitionerRole": {
        "active", "location", "organization", "practitioner", "role", "service", "specialty",
    },
    "HealthcareService": {"active", "identifier", "location", "name", "organization", "service-type"},
    "Endpoint": {"identifier", "organization", "status"},
    "OrganizationAffiliation": {
        "active", "date", "identifier", "participating-organization", "primary-organization", "role",
    },
}  # fmt: skip
INCLUDES: dict[str, tuple[str, str, str]] = {
    # by name: type, parameter, what comes too
    "Organization:endpoint": ("Organization", "_include", "Endpoint/here"),
    "Location:organization of an Organization": ("Organization", "_revinclude", "Location/here"),
    "OrganizationAffiliation:participating-organization": (
        "Organization", "_revinclude", "OrganizationAffiliation/here",
    ),
    "Location:organization": ("Location", "_include", "Organization/here"),
    "PractitionerRole:practitioner": ("PractitionerRole", "_include", "Practitioner/here"),
    "OrganizationAffiliation:endpoint": ("OrganizationAffiliation", "_include", "Endpoint/here"),
}  # fmt: skip


def of(resource_type: str, id_: str, elements: Resource) -> Resource:
    return {"resourceType": resource_type, "id": id_} | elements


@pytest.fixture
def directory(alliance: Fhir) -> Iterator["Directory"]:
    above = of("Organization", "above", {"name": "上级", "active": False})
    region = of("Location", "above", {"name": "县"})
    alliance.transaction(
        put(above),
        put(region),
        *(put(of(name, "here", elements)) for name, elements in HERE.items()),
        *(put(of(name, "away", elements)) for name, elements in AWAY.items()),
    )
    yield Directory(alliance)


class Directory:
    """Answers over HTTP: in one process, but through all of `rest/`."""

    def __init__(self, fhir: Fhir) -> None:
        self.fhir = fhir
        log = Log(None, TYPES, lambda: MOMENT)
        self._application = FhirApplication(partial(perform, fhir.context), Settings(), log)

    def search(self, method: str, resource_type: str, query: str) -> Resource:
        """query: as people write it"""
        pairs = [each.split("=", 1) for each in query.split("&")]
        form = urlencode([(name, value) for name, value in pairs], quote_via=quote)
        if method == "GET":
            work = send_to(self._application, "GET", f"/fhir/{resource_type}?{form}")
        else:
            work = send_to(self._application, "POST", f"/fhir/{resource_type}/_search", FORM, form.encode())
        answer = self.fhir.run(work)
        found: Resource = decode(answer.body)
        assert answer.status == 200, found
        return found


def named(found: Resource, mode: str) -> set[str]:
    entries = found.get("entry", [])
    return {
        f"{each['resource']['resourceType']}/{each['resource']['id']}"
        for each in entries
        if each["search"]["mode"] == mode
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("resource_type", QUERIES)
def test_E10_08_every_parameter_of_ITI_90(directory: Directory, resource_type: str, method: str) -> None:
    for query in QUERIES[resource_type]:
        found = directory.search(method, resource_type, query)
        assert named(found, "match") == {f"{resource_type}/here"}, query
        assert found["total"] == 1, query


def test_E10_08_the_matrix_has_every_parameter() -> None:
    asked = {
        resource_type: {
            part.split("=")[0].split(":")[0].split(".")[0] for each in queries for part in each.split("&")
        }
        for resource_type, queries in QUERIES.items()
    }
    assert asked == SHALL


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("resource_type", QUERIES)
def test_E10_08_id_and_lastUpdated_with_every_prefix(
    directory: Directory, resource_type: str, method: str
) -> None:
    def total(query: str) -> Any:
        return directory.search(method, resource_type, query)["total"]

    here = directory.search(method, resource_type, "_id=here")
    assert named(here, "match") == {f"{resource_type}/here"}
    before, after = format_instant(START_MS - 1000), format_instant(START_MS + 1_000_000)
    everything = 3 if resource_type in ("Organization", "Location") else 2
    for prefix in ("gt", "ge", "sa"):
        assert (total(f"_lastUpdated={prefix}{before}"), total(f"_lastUpdated={prefix}{after}")) == (
            everything,
            0,
        )
    for prefix in ("lt", "le", "eb"):
        assert (total(f"_lastUpdated={prefix}{before}"), total(f"_lastUpdated={prefix}{after}")) == (
            0,
            everything,
        )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", INCLUDES)
def test_E10_08_includes_of_ITI_90(directory: Directory, name: str, method: str) -> None:
    resource_type, parameter, included = INCLUDES[name]
    found = directory.search(method, resource_type, f"_id=here&{parameter}={name.split(' ')[0]}")
    assert named(found, "match") == {f"{resource_type}/here"}
    assert named(found, "include") == {included}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_E10_08_affiliations_of_a_network(directory: Directory, method: str) -> None:
    link = "OrganizationAffiliation:primary-organization"
    found = directory.search(method, "Organization", f"_id=above&_revinclude={link}")
    assert named(found, "include") == {"OrganizationAffiliation/here"}


@pytest.mark.parametrize("resource_type", QUERIES)
def test_E10_09_updates_of_ITI_91_show_deletions(directory: Directory, resource_type: str) -> None:
    fhir = directory.fhir
    since = format_instant(fhir.clock())
    fhir("PUT", f"{resource_type}/away", of(resource_type, "away", AWAY[resource_type] | {"language": "zh"}))
    fhir("DELETE", f"{resource_type}/here")
    history = content(fhir("GET", f"{resource_type}/_history?_since={since}"))
    assert [
        (each["request"]["method"], each["request"]["url"], "resource" in each) for each in history["entry"]
    ] == [
        ("DELETE", f"{resource_type}/here", False),
        ("PUT", f"{resource_type}/away", True),
    ]
    later = format_instant(fhir.clock())
    assert "entry" not in content(fhir("GET", f"{resource_type}/_history?_since={later}"))


def test_E10_09_a_client_that_follows_has_the_directory(directory: Directory) -> None:
    """What was copied first, and what the updates since then say, is what is there now."""
    fhir = directory.fhir
    found = content(fhir("GET", "Organization?_count=100"))
    copied = {each["resource"]["id"]: each["resource"] for each in found["entry"]}
    since = format_instant(fhir.clock())
    fhir("DELETE", "Organization/away")
    fhir("POST", "Organization", {"resourceType": "Organization", "name": "新成员", "active": True})
    fhir("PUT", "Organization/here", of("Organization", "here", HERE["Organization"] | {"active": False}))
    fhir("PUT", "Organization/away", of("Organization", "away", {"name": "回来"}))
    fhir("DELETE", "Organization/above")
    seen: set[str] = set()
    for each in content(fhir("GET", f"Organization/_history?_since={since}"))["entry"]:
        id_ = (
            each["request"]["url"].split("/")[-1]
            if each["request"]["method"] == "DELETE"
            else each["resource"]["id"]
        )
        if id_ in seen:
            continue  # the newest version comes first
        seen.add(id_)
        if each["request"]["method"] == "DELETE":
            copied.pop(id_, None)
        else:
            copied[id_] = each["resource"]
    now = content(fhir("GET", "Organization?_count=100"))
    assert copied == {each["resource"]["id"]: each["resource"] for each in now["entry"]}


def test_a_feed_of_ITI_130_is_one_transaction(alliance: Fhir) -> None:
    new = [post(of(name, "", elements) | {"id": "x"}) for name, elements in AWAY.items()]
    for each in new:
        each["resource"].pop("id")
    alliance.transaction(*new, put(of("Organization", "here", HERE["Organization"])))
    assert alliance.total("Organization") == 2
    alliance("POST", "", bundle("transaction", entry("DELETE", "Organization/here")))
    assert alliance.total("Organization") == 1
