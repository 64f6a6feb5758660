"""Search parameters that clients define, from the first POST to the last row that is removed.

https://hl7.org/fhir/R4/searchparameter.html
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import Request
from fhir_server.resource import Resource
from tests.bulk.indexed import COLUMN, EYES, Indexed, parameter, patient, patients


def codes(server: Indexed, url: str) -> tuple[int, str]:
    error = server.refused("GET", url)
    return error.status, error.issues[0].code


def in_use(server: Indexed, *definitions: Resource) -> None:
    server.put(*definitions or (parameter(),))
    server.work_off()


def test_a_parameter_is_unknown_then_built_then_finds(server: Indexed) -> None:
    server.put(*patients(60))
    assert codes(server, "Patient?eye-colour=blue") == (400, "not-supported")
    server.put(parameter())
    assert codes(server, "Patient?eye-colour=blue") == (503, "transient")
    server.work_off()
    assert server.found("Patient?eye-colour=blue") == {f"Patient/p{n}" for n in range(0, 60, 2)}
    assert server.findings() == []


def test_who_asks_too_early_is_told_how_far_it_is(server: Indexed) -> None:
    server.put(*patients(60))
    server.put(parameter())
    told: list[Any] = []

    async def ask(_: float) -> None:
        try:
            await server.send("GET", "Patient?eye-colour=blue")
        except Exception as error:
            told.append(error)

    server.work_off(ask)
    texts = [error.issues[0].diagnostics for error in told]
    assert any("25 of 60 resources" in text for text in texts), texts
    assert all("the index of Patient?eye-colour is being built" in text for text in texts)
    assert all(int(error.headers["Retry-After"]) >= 1 for error in told)


def test_writes_are_indexed_from_the_definition_on(server: Indexed) -> None:
    server.put(*patients(3))
    server.put(parameter())
    server.put(patient("p0", "green"), patient("new", "green"))
    server("DELETE", "Patient/p2")
    server.work_off()
    server.put(patient("later", "green"))
    assert server.found("Patient?eye-colour=green") == {"Patient/p0", "Patient/new", "Patient/later"}
    assert server.found("Patient?eye-colour=blue") == set()
    assert server.findings() == []


def test_without_resources_of_its_types_it_can_be_used_at_once(server: Indexed) -> None:
    server.put(parameter())
    assert server.jobs() == []
    server.put(patient("a", "blue"))
    assert server.found("Patient?eye-colour=blue") == {"Patient/a"}


def test_a_transaction_may_bring_a_definition_and_what_it_finds(server: Indexed) -> None:
    in_use(server, parameter(), patient("a", "blue"))
    assert server.found("Patient?eye-colour=blue") == {"Patient/a"}


def test_a_draft_is_in_use_and_a_retired_one_is_not(server: Indexed) -> None:
    server.put(parameter(status="draft"), parameter(id="old", code="old", status="retired"))
    assert server.found("Patient?eye-colour=blue") == set()
    assert codes(server, "Patient?old=1") == (400, "not-supported")


@pytest.mark.parametrize("element", ["expression", "code", "base", "type"])
def test_what_cannot_be_used_is_refused_and_not_kept(server: Indexed, element: str) -> None:
    wrong = {"expression": "Patient.(", "code": "name", "base": ["Nonsuch"], "type": "special"}[element]
    error = server.refused("POST", "SearchParameter", parameter(**{element: wrong}))
    assert error.status == (400 if element == "base" else 422)
    assert any((issue.expression or "").startswith(f"SearchParameter.{element}") for issue in error.issues)
    assert server.content("SearchParameter?code=eye-colour&_summary=count")["total"] == 0


def test_a_bundle_says_which_entry_has_the_bad_definition(server: Indexed) -> None:
    entry = {"resource": parameter(expression="("), "request": {"method": "POST", "url": "SearchParameter"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    issue = server.refused("POST", "", bundle).issues[0]
    assert issue.expression == "Bundle.entry[0].resource.expression"


def test_two_definitions_cannot_have_one_code(server: Indexed) -> None:
    server.put(parameter())
    other = parameter(id="other", expression="Patient.gender")
    error = server.refused("PUT", "SearchParameter/other", other)
    assert error.status == 422 and "'eye-colour' already" in error.issues[0].diagnostics
    # nor when they come at once, when none is there yet
    both = [parameter(id="x", code="x"), parameter(id="y", code="x", expression="Patient.gender")]
    with pytest.raises(Exception, match="'x' already"):
        server.put(*both)


def test_a_changed_expression_builds_anew_and_removes_the_old_rows(server: Indexed) -> None:
    server.put(*patients(40))
    in_use(server)
    assert server.rows_of(COLUMN) > 40
    changed = parameter(expression="Patient.maritalStatus")
    server.put(changed, patient("m", "blue", maritalStatus={"coding": [{"code": "M"}]}))
    assert codes(server, "Patient?eye-colour=M") == (503, "transient")
    server.work_off()
    assert server.found("Patient?eye-colour=M") == {"Patient/m"}
    assert server.found("Patient?eye-colour=blue") == set()
    assert server.rows_of(COLUMN) == 0
    assert server.findings() == []


@pytest.mark.parametrize("how", ["delete", "retire"])
def test_a_parameter_that_is_gone_is_unknown_at_once_and_its_rows_soon(server: Indexed, how: str) -> None:
    server.put(*patients(40))
    in_use(server)
    if how == "delete":
        server("DELETE", "SearchParameter/eye-colour")
    else:
        server.put(parameter(status="retired"))
    assert codes(server, "Patient?eye-colour=blue") == (400, "not-supported")
    assert server.findings() == []
    server.put(patient("p0", "green"))
    server.work_off()
    assert server.rows_of(COLUMN) == 0
    assert server.findings() == []


def test_a_parameter_that_comes_back_before_its_rows_are_gone_finds_what_is_there(server: Indexed) -> None:
    server.put(*patients(40))
    in_use(server)
    server("DELETE", "SearchParameter/eye-colour")
    server.put(patient("p0", "green"))  # the row of its blue eyes stays, by rules that know none
    server.put(parameter())
    server.work_off()
    assert server.found("Patient?eye-colour=green") == {"Patient/p0"}
    assert server.found("Patient?eye-colour=blue") == {f"Patient/p{n}" for n in range(2, 40, 2)}
    assert server.findings() == []


def test_an_expression_that_r4_has_needs_no_job(server: Indexed) -> None:
    server.put(patient("m", gender="male"))
    server.put(parameter(code="sex", expression="Patient.gender"))
    assert server.jobs() == []
    assert server.found("Patient?sex=male") == {"Patient/m"}
    server("DELETE", "SearchParameter/eye-colour")
    server.work_off()
    assert server.found("Patient?gender=male") == {"Patient/m"}
    assert server.findings() == []


def test_all_that_is_searched_with_parameters_works_with_an_added_one(server: Indexed) -> None:
    friend = f"Patient.extension.where(url='{EYES}/friend').value.where(resolve() is Patient)"
    in_use(
        server,
        parameter(),
        parameter(id="friend", code="friend", type="reference", expression=friend, target=["Patient"]),
    )
    to = {"url": f"{EYES}/friend", "valueReference": {"reference": "Patient/a"}}
    b = patient("b", "blue") | {"extension": [{"url": EYES, "valueCode": "blue"}, to]}
    server.put(patient("a", "brown", gender="male"), b, patient("c"))
    for query, expected in {
        "eye-colour:missing=true": {"c"},
        "eye-colour:not=blue": {"a", "c"},
        "friend=Patient/a": {"b"},
        "friend.eye-colour=brown": {"b"},
        "friend:Patient.gender=male": {"b"},
        "_has:Patient:friend:eye-colour=blue": {"a"},
        "eye-colour=blue&_include=Patient:friend": {"a", "b"},
        "eye-colour=brown&_revinclude=Patient:friend": {"a", "b"},
    }.items():
        assert server.found(f"Patient?{query}") == {f"Patient/{id_}" for id_ in expected}, query
    for order, expected_ids in {"eye-colour": ["b", "a", "c"], "-eye-colour": ["a", "b", "c"]}.items():
        entries = server.content(f"Patient?_sort={order}")["entry"]
        assert [each["resource"]["id"] for each in entries] == expected_ids


def test_chains_and_includes_and_sorts_wait_for_the_index_too(server: Indexed) -> None:
    server.put(
        patient("a"), {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    )
    friend = parameter(code="friend", type="reference", expression=f"Patient.extension('{EYES}').value")
    server.put(friend)
    for url in (
        "Patient?friend.name=x",
        "Observation?subject:Patient.friend=Patient/1",
        "Patient?_has:Patient:friend:name=x",
        "Patient?_include=Patient:friend",
        "Patient?_revinclude=Patient:friend",
        "Patient?_sort=friend",
        "Patient?friend:missing=true",
    ):
        assert codes(server, url) == (503, "transient"), url
    condition = server.refused("DELETE", "Patient?friend=Patient/1")
    assert (condition.status, condition.issues[0].code) == (503, "transient")


def test_a_composite_is_built_with_the_parts_of_others(server: Indexed) -> None:
    def pressure(id_: str, systolic: int) -> Resource:
        codings = [("8480-6", systolic), ("8462-4", 80)]
        return {
            "resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "pressure"},
            "component": [
                {
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                    "valueQuantity": {"value": value},
                    "interpretation": [{"coding": [{"code": "H" if value > 130 else "N"}]}],
                }
                for code, value in codings
            ],
        }  # fmt: skip

    server.put(pressure("high", 150), pressure("low", 110))
    composite = parameter(
        code="code-reading", base=["Observation"], type="composite", expression="Observation.component",
        component=[
            {
                "definition": "http://hl7.org/fhir/SearchParameter/Observation-component-code",
                "expression": "code",
            },
            {"definition": "http://example.org/SearchParameter/reading", "expression": "interpretation"},
        ],
    )  # fmt: skip
    reading = parameter(
        id="reading", code="reading", base=["Observation"], expression="Observation.component.interpretation"
    )
    server.put(reading, composite)
    assert codes(server, "Observation?component-code-value-quantity=8480-6$gt120") == (503, "transient")
    server.work_off()
    assert server.found("Observation?code-reading=8480-6$H") == {"Observation/high"}
    assert server.found("Observation?code-reading=8462-4$H") == set()
    assert server.found("Observation?component-code-value-quantity=8480-6$gt120") == {"Observation/high"}
    assert server.findings() == []
    # a part that the composite needs cannot go alone
    error = server.refused("DELETE", "SearchParameter/reading")
    assert error.status == 422 and "no search parameter here" in error.issues[0].diagnostics
    server("DELETE", "SearchParameter/eye-colour")
    server("DELETE", "SearchParameter/reading")
    server.work_off()
    assert server.found("Observation?component-code-value-quantity=8480-6$gt120") == {"Observation/high"}
    assert server.findings() == []


def listed(server: Indexed, resource_type: str = "Patient") -> dict[str, str]:
    rest = server.content("metadata")["rest"][0]["resource"]
    found = next(each for each in rest if each["type"] == resource_type)
    return {each["name"]: each["definition"] for each in found["searchParam"]}


def test_the_capabilities_have_it_as_soon_as_it_can_be_used(server: Indexed) -> None:
    server.put(patient("a"))
    server.put(parameter())
    assert "eye-colour" not in listed(server)
    server.work_off()
    assert listed(server)["eye-colour"] == parameter()["url"]
    server("DELETE", "SearchParameter/eye-colour")
    assert "eye-colour" not in listed(server)


def test_other_processes_take_it_up_without_a_restart(
    server: Indexed, runner: asyncio.Runner, tmp_path: Path
) -> None:
    with Indexed(runner, tmp_path / "data") as other:
        server.put(*patients(10))
        other.put(parameter())
        assert codes(server, "Patient?eye-colour=blue") == (503, "transient")
        server.put(patient("new", "blue"))
        other.work_off()
        assert len(server.found("Patient?eye-colour=blue")) == 6
        server("DELETE", "SearchParameter/eye-colour")
        assert codes(other, "Patient?eye-colour=blue") == (400, "not-supported")
        other.put(patient("newer", "blue"))
        server.work_off()
        assert other.findings() == []


def test_a_request_that_began_under_other_rules_is_done_by_the_new_ones(server: Indexed) -> None:
    before = server.opened.context
    in_use(server)

    async def late() -> int:
        answer = await perform(
            before, Request("PUT", "Patient", "a", resource=patient("a", "blue"), base_url="http://x/fhir")
        )
        return answer.status

    assert server.run(late()) == 201
    assert server.found("Patient?eye-colour=blue") == {"Patient/a"}
    assert server.findings() == []


def test_each_entry_of_a_batch_that_began_under_other_rules_is_done_once(server: Indexed) -> None:
    before = server.opened.context
    in_use(server)
    entries = [
        {"resource": patient("", "blue") | {"id": f"b{n}"}, "request": {"method": "POST", "url": "Patient"}}
        for n in range(3)
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    server.run(perform(before, Request("POST", resource=bundle, base_url="http://x/fhir")))
    assert len(server.found("Patient?eye-colour=blue")) == 3
    assert server.content("Patient?_summary=count")["total"] == 3
