"""Organizations are no part of themselves; a member has one governance tier in a network at a time."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from tests.alliance.report.network import COUNTY, NETWORK, TOWNSHIP, affiliation, concept
from tests.interactions.fhir import BASE, Fhir, codes, post, put, request

RULE = (422, "business-rule")


def department(id_: str, above: str | None = None, **elements: Any) -> Resource:
    part = {"partOf": {"reference": above}} if above else {}
    return {"resourceType": "Organization", "id": id_, "name": id_} | part | elements


# ---- partOf


def test_C13_an_organization_is_no_part_of_itself(alliance: Fhir) -> None:
    error = alliance.refused("PUT", "Organization/a", department("a", "Organization/a"))
    assert codes(error) == RULE
    assert error.issues[0].expression == "Organization.partOf"
    assert "Organization/a → Organization/a" in error.issues[0].diagnostics


@pytest.mark.parametrize(
    "reference", ["Organization/a/_history/1", f"{BASE}/Organization/a", f"{BASE}/Organization/a/_history/1"]
)
def test_C13_however_it_is_referred_to(alliance: Fhir, reference: str) -> None:
    assert codes(alliance.refused("PUT", "Organization/a", department("a", reference))) == RULE


def test_C13_no_ring_of_organizations(alliance: Fhir) -> None:
    alliance("PUT", "Organization/a", department("a"))
    alliance("PUT", "Organization/b", department("b", "Organization/a"))
    alliance("PUT", "Organization/c", department("c", "Organization/b"))
    error = alliance.refused("PUT", "Organization/a", department("a", "Organization/c"))
    assert codes(error) == RULE
    assert "Organization/a → Organization/c → Organization/b → Organization/a" in error.issues[0].diagnostics


def test_C13_not_by_patch_either(alliance: Fhir) -> None:
    alliance("PUT", "Organization/a", department("a"))
    patch = [{"op": "add", "path": "/partOf", "value": {"reference": "Organization/a"}}]
    assert codes(alliance.refused("PATCH", "Organization/a", patch=patch)) == RULE


def test_C13_not_within_a_transaction_either(alliance: Fhir) -> None:
    ring = put(department("a", "Organization/b")), put(department("b", "Organization/a"))
    assert codes(alliance.refused_transaction(*ring)) == RULE
    assert alliance.total("Organization") == 0


def test_departments_of_departments_are_fine(alliance: Fhir) -> None:
    alliance.transaction(
        put(department("a")), put(department("b", "Organization/a")), put(department("c", "Organization/b"))
    )
    alliance("PUT", "Organization/d", department("d", "Organization/elsewhere"))
    assert alliance.total("Organization") == 4


def test_a_ring_that_is_there_already_ends_the_climb(alliance: Fhir) -> None:
    rules, alliance.context = alliance.context, replace(alliance.context, rules={})
    alliance.transaction(put(department("a", "Organization/b")), put(department("b", "Organization/a")))
    alliance.context = rules
    assert codes(alliance.refused("PUT", "Organization/c", department("c", "Organization/a"))) == RULE


# ---- governance


def tier(member: str, code: str, id_: str, **elements: Any) -> Resource:
    modes = [concept("governance-tier", code), concept("cooperation-mode", "tight")]
    return affiliation(member, id_=id_, code=modes, **elements)


def test_one_governance_code_for_a_member_of_a_network(alliance: Fhir) -> None:
    alliance("PUT", "OrganizationAffiliation/one", tier(TOWNSHIP, "member", "one"))
    error = alliance.refused("PUT", "OrganizationAffiliation/two", tier(TOWNSHIP, "council", "two"))
    assert codes(error) == RULE
    assert "OrganizationAffiliation/one" in error.issues[0].diagnostics


def test_not_two_governance_codes_in_one_affiliation(alliance: Fhir) -> None:
    both = [concept("governance-tier", "lead"), concept("governance-tier", "council")]
    wrong = affiliation(TOWNSHIP, id_="one", code=both)
    assert codes(alliance.refused("PUT", "OrganizationAffiliation/one", wrong)) == RULE


OTHERS: dict[str, Resource] = {
    "another member": tier(COUNTY, "lead", "two"),
    "another network": tier(TOWNSHIP, "member", "two", network=COUNTY),
    "another time": tier(TOWNSHIP, "council", "two", period={"start": "2019-01-01"}),
    "no more active": tier(TOWNSHIP, "council", "two", active=False),
    "a mode alone": affiliation(TOWNSHIP, id_="two", code=[concept("cooperation-mode", "branch")]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_may_stand_beside_it(alliance: Fhir, name: str) -> None:
    ended = {"start": "2017-01-01", "end": "2018-12-31"}
    alliance("PUT", "OrganizationAffiliation/one", tier(TOWNSHIP, "member", "one", period=ended))
    assert alliance("PUT", "OrganizationAffiliation/two", OTHERS[name]).status == 201


def test_the_tier_is_changed_where_it_stands(alliance: Fhir) -> None:
    alliance("PUT", "OrganizationAffiliation/one", tier(TOWNSHIP, "member", "one"))
    assert alliance("PUT", "OrganizationAffiliation/one", tier(TOWNSHIP, "council", "one")).status == 200


def test_an_affiliation_does_not_wake_up_beside_another(alliance: Fhir) -> None:
    alliance("PUT", "OrganizationAffiliation/one", tier(TOWNSHIP, "member", "one", active=False))
    alliance("PUT", "OrganizationAffiliation/two", tier(TOWNSHIP, "council", "two"))
    patch = [{"op": "replace", "path": "/active", "value": True}]
    assert codes(alliance.refused("PATCH", "OrganizationAffiliation/one", patch=patch)) == RULE


def test_of_two_at_once_one_wins(alliance: Fhir) -> None:
    both = [
        request("PUT", f"OrganizationAffiliation/{name}", tier(TOWNSHIP, code, name))
        for name, code in (("one", "member"), ("two", "council"))
    ]
    answers = alliance.together(both)
    refused = [each for each in answers if isinstance(each, FhirError)]
    assert [codes(each) for each in refused] == [RULE]
    assert alliance.total(f"OrganizationAffiliation?primary-organization={NETWORK}") == 1


def test_not_within_a_transaction_either(alliance: Fhir) -> None:
    error = alliance.refused_transaction(
        post(tier(TOWNSHIP, "member", "one")), post(tier(TOWNSHIP, "council", "two"))
    )
    assert codes(error) == RULE
    assert alliance.total("OrganizationAffiliation") == 0
