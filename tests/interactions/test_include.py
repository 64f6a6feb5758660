"""Wildcards and bounds of `_include` and `_revinclude`: https://hl7.org/fhir/R4/search.html#include"""

import pytest

from tests.interactions.fhir import Fhir, observation, patient
from tests.interactions.test_search import Bundle, entries, family, outcomes, put


@pytest.mark.parametrize(
    ("url", "included"),
    [
        ("Patient?_id=1&_include=*", ["Organization/o"]),
        ("Patient?_id=1&_include=Patient:*", ["Organization/o"]),
        ("Patient?_id=1&_include=Patient:*:Organization", ["Organization/o"]),
        ("Patient?_id=1&_include=Patient:*:Practitioner", []),
        ("Patient?_id=1&_include=Observation:*", []),
        ("Patient?_id=1&_include=*&_include:iterate=*", ["Organization/a", "Organization/o"]),
        ("Patient?_id=1&_include:iterate=*", ["Organization/a", "Organization/o"]),
        ("Patient?_id=1&_revinclude=*", ["Observation/x", "Observation/y"]),
        ("Patient?_id=1&_revinclude=Observation:*", ["Observation/x", "Observation/y"]),
        ("Patient?_id=1&_revinclude=Observation:*:Group", []),
        ("Patient?_id=1&_revinclude=Encounter:*", []),
        ("Patient?_id=3&_revinclude=*&_include=*", []),
        (
            "Organization?_id=a&_revinclude:iterate=*",
            ["Observation/x", "Observation/y", "Organization/o", "Patient/1", "Patient/2"],
        ),
        (
            "Patient?_id=1&_include=*&_revinclude=*",
            ["Observation/x", "Observation/y", "Organization/o"],
        ),
    ],
)
def test_wildcards(fhir: Fhir, url: str, included: list[str]) -> None:
    family(fhir)
    bundle = fhir.read(url)
    assert sorted(entries(bundle, "include")) == included
    assert not outcomes(bundle)


@pytest.mark.parametrize("which", ["*", "Encounter:*", "Encounter:subject", "Encounter:*:Group"])
def test_wildcards_follow_a_column_that_two_parameters_share(fhir: Fhir, which: str) -> None:
    """`Encounter.subject` is that of `subject`, to groups too, and of `patient`, to patients alone."""
    encounter = {"resourceType": "Encounter", "id": "e", "status": "planned", "class": {"code": "AMB"}}
    put(
        fhir,
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True},
        encounter | {"subject": {"reference": "Group/g"}},
    )
    assert entries(fhir.read(f"Encounter?_include={which}"), "include") == ["Group/g"]
    assert entries(fhir.read(f"Group?_revinclude={which}"), "include") == ["Encounter/e"]


@pytest.mark.parametrize(
    "value", ["*:subject", "Patient:*:", "Nonsense:*", "Patient:*:Nonsense", "", "**", "Patient"]
)
def test_400_for_what_is_no_wildcard(fhir: Fhir, value: str) -> None:
    assert fhir.refused("GET", f"Patient?_include={value}").issues[0].code == "value"


def organization(number: int, following: int) -> Bundle:
    part_of = {"reference": f"Organization/r{following}"}
    return {"resourceType": "Organization", "id": f"r{number}", "name": "x", "partOf": part_of}


@pytest.mark.parametrize("include", ["_include:iterate=*", "_revinclude:iterate=*"])
@pytest.mark.parametrize("length", [1, 2, 5, 6])
def test_E07_rings_of_wildcards_bring_each_resource_once(fhir: Fhir, include: str, length: int) -> None:
    put(fhir, *(organization(number, (number + 1) % length) for number in range(length)))
    bundle = fhir.read(f"Organization?_id=r0&{include}")
    found = entries(bundle, "include")
    assert sorted(found) == [f"Organization/r{number}" for number in range(1, length)]
    assert not outcomes(bundle)


def test_E07_a_chain_that_is_too_long_says_so(fhir: Fhir) -> None:
    put(fhir, *(organization(number, number + 1) for number in range(7)))
    bundle = fhir.read("Organization?_id=r0&_include:iterate=*")
    assert sorted(entries(bundle, "include")) == [f"Organization/r{number}" for number in range(1, 6)]
    assert [issue["code"] for issue in outcomes(bundle)] == ["incomplete"]
    # the sixth step leads to nothing: nothing was cut off
    fhir("DELETE", "Organization/r6")
    bundle = fhir.read("Organization?_id=r0&_include:iterate=*")
    assert len(entries(bundle, "include")) == 5 and not outcomes(bundle)


@pytest.mark.parametrize("include", ["_revinclude=*", "_revinclude=Observation:*"])
def test_E06_wildcards_are_bounded_and_say_so(
    fhir: Fhir, monkeypatch: pytest.MonkeyPatch, include: str
) -> None:
    from fhir_server.interactions import search as interaction
    from fhir_server.search.options import Options

    monkeypatch.setattr(interaction, "options_of", lambda settings: Options(included=3))
    put(fhir, patient(id="1"), *(observation("Patient/1", id=f"o{number}") for number in range(4)))
    bundle = fhir.read(f"Patient?{include}")
    assert len(entries(bundle, "include")) == 3
    assert [(issue["severity"], issue["code"]) for issue in outcomes(bundle)] == [("warning", "incomplete")]
    fhir("DELETE", "Observation/o0")
    assert not outcomes(fhir.read(f"Patient?{include}"))


def test_E06_references_to_what_is_not_there_take_no_room(
    fhir: Fhir, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fhir_server.interactions import search as interaction
    from fhir_server.search.options import Options

    monkeypatch.setattr(interaction, "options_of", lambda settings: Options(included=2))
    members = [{"entity": {"reference": f"Patient/{id_}"}} for id_ in ("a", "b", "c", "d", "e", "y", "z")]
    group = {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": members}
    put(fhir, group, patient(id="y"), patient(id="z"))
    bundle = fhir.read("Group?_include=*")
    assert sorted(entries(bundle, "include")) == ["Patient/y", "Patient/z"]
    assert not outcomes(bundle)


def test_what_refers_by_a_canonical_comes_along(fhir: Fhir) -> None:
    measure = {
        "resourceType": "Measure", "id": "m", "url": "http://x.org/Measure/m", "version": "1.0",
        "status": "active",
    }  # fmt: skip
    reports = [
        {
            "resourceType": "MeasureReport", "id": id_, "status": "complete", "type": "summary",
            "measure": f"http://x.org/Measure/m{version}", "period": {"start": "2026"},
        }
        for id_, version in (("none", ""), ("same", "|1.0"), ("other", "|2.0"), ("another", "n"))
    ]  # fmt: skip
    put(fhir, measure, *reports)
    wanted = ["MeasureReport/none", "MeasureReport/other", "MeasureReport/same"]
    for include in ("MeasureReport:measure", "MeasureReport:*", "*"):
        bundle = fhir.read(f"Measure?_id=m&_revinclude={include}")
        assert sorted(entries(bundle, "include")) == wanted
