"""https://hl7.org/fhir/R4/search.html#query"""

from typing import Any

import pytest

from tests.interactions.fhir import Fhir, codes, content, patient
from tests.search.test_named_query import definition, parameter


@pytest.fixture
def people(fhir: Fhir) -> Fhir:
    for id_, gender, family in (("a", "male", "张"), ("b", "female", "张"), ("c", "female", "李")):
        fhir("PUT", f"Patient/{id_}", patient(id=id_, gender=gender, name=[{"family": family}]))
    return fhir


def declare(fhir: Fhir, criteria: str | None, id_: str = "women", **elements: Any) -> None:
    made = definition(criteria, id=id_, code=id_, resource=["Patient"]) | {
        "parameter": [parameter("called", searchType="string"), parameter("how", min=0)]
    }
    fhir("PUT", f"OperationDefinition/{id_}", made | elements)


def found(fhir: Fhir, url: str) -> list[str]:
    return sorted(each["resource"]["id"] for each in content(fhir("GET", url)).get("entry", ()))


def test_a_named_query(people: Fhir) -> None:
    declare(people, "gender=female&name={called}")
    assert found(people, "Patient?_query=women") == ["b", "c"]
    assert found(people, "Patient?_query=women&called=张") == ["b"]
    assert found(people, "Patient?_query=women&called=zhang,li") == ["b", "c"]
    assert found(people, "Patient?called=li&_query=women&_id=b,c") == ["c"]


def test_its_links_lead_to_the_same(people: Fhir) -> None:
    declare(people, "gender=female&name={called}")
    bundle = content(people("GET", "Patient?_query=women&called=zhang,li&_count=1"))
    links = {each["relation"]: each["url"] for each in bundle["link"]}
    assert links["self"].endswith("Patient?_query=women&called=zhang%2Cli&_count=1")
    following = content(people("GET", links["next"].partition("/fhir/")[2]))
    assert len(bundle["entry"]) == len(following["entry"]) == 1
    assert bundle["entry"] != following["entry"]


def test_it_may_need_more_to_be_looked_up(people: Fhir) -> None:
    value_set = {
        "resourceType": "ValueSet", "id": "v", "url": "http://example.org/v", "status": "active",
        "compose": {"include": [{
            "system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "female"}],
        }]},
    }  # fmt: skip
    people("PUT", "ValueSet/v", value_set)
    declare(people, "gender:in={how}")
    assert found(people, "Patient?_query=women&how=http://example.org/v") == ["b", "c"]


def test_a_change_of_its_definition_counts_at_once(people: Fhir) -> None:
    declare(people, "gender=female")
    assert found(people, "Patient?_query=women") == ["b", "c"]
    declare(people, "gender=male")
    assert found(people, "Patient?_query=women") == ["a"]
    people("DELETE", "OperationDefinition/women")
    assert people.refused("GET", "Patient?_query=women").status == 400


@pytest.mark.parametrize("handling", [True, False])
def test_400_for_an_unknown_name_that_names_those_that_are_known(people: Fhir, handling: bool) -> None:
    refused = people.refused("GET", "Patient?_query=wimen", strict=handling)
    assert codes(refused) == (400, "not-supported")
    assert "there is none" in refused.issues[0].diagnostics
    declare(people, "gender=female")
    declare(people, "gender=male", "men")
    assert "did you mean women" in people.refused("GET", "Patient?_query=wimen").issues[0].diagnostics
    assert "there are men, women" in people.refused("GET", "Patient?_query=x").issues[0].diagnostics
    assert "of Task; there is none" in people.refused("GET", "Task?_query=women").issues[0].diagnostics


def test_400_for_one_that_does_not_say_how_it_is_run(people: Fhir) -> None:
    declare(people, None)
    refused = people.refused("GET", "Patient?_query=women")
    assert codes(refused) == (400, "not-supported")
    assert "does not say how it is run" in refused.issues[0].diagnostics


@pytest.mark.parametrize(
    "search",
    [
        "_query=women&_query=women", "_query:not=women", "_query=", "_query=women&calld=张",
        "_query=women&called=张&called=李", "_query=women&called=", "_has:Task:patient:_query=x",
        "general-practitioner:Practitioner._query=x",
    ],
)  # fmt: skip
def test_400(people: Fhir, search: str) -> None:
    declare(people, "gender=female&name={called}")
    assert people.refused("GET", f"Patient?{search}").status == 400


def test_criteria_that_no_type_has(people: Fhir) -> None:
    declare(people, "gander=female")
    assert "gander" in people.refused("GET", "Patient?_query=women").issues[0].diagnostics


def test_a_condition_cannot_be_a_query(people: Fhir) -> None:
    declare(people, "gender=female")
    refused = people.refused("PUT", "Patient?_query=women", patient())
    assert codes(refused) == (400, "not-supported")
