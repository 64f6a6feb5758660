"""https://hl7.org/fhir/R4/search.html#modifiers; chains are in test_reference.py."""

import pytest

from fhir_server.search.options import Options
from fhir_server.store.algebra import Backward, Forward, Or
from tests.search.searching import compiled, definitions, fits, found, refused


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("Patient?nmae=x", "did you mean name?"),
        ("Patient?birth_date=2000", "did you mean birthdate?"),
        ("Patient?birthDate=2000", "did you mean birthdate?"),
        ("Observation?patientt=x", "did you mean patient?"),
        ("Observation?qqqq=x", "there are _content, _filter, _id, _lastUpdated, _list"),
        ("Patient,Practitioner?birthdate=2000", "of Patient and Practitioner"),
        ("?name=x", "there are _content, _filter, _id"),
    ],
)
def test_E01_an_unknown_parameter_is_answered_with_the_nearest(search: str, wanted: str) -> None:
    issue = refused(search).issues[0]
    assert issue.code == "not-supported"
    assert wanted in issue.diagnostics


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ("Patient?name:exct=x", "did you mean exact?"),
        ("Patient?gender:contains=x", "missing"),
        ("Patient?birthdate:exact=2000", "missing"),
        ("Patient?name:=x", "colon"),
        ("Patient?name:exact:contains=x", "not a modifier"),
        ("Patient?telecom:text=x", "not"),
        ("Patient?active:in=http://x", "not"),
        ("Patient?identifier:below=x", "of-type, text"),
        ("Observation?code:of-type=a|b|c", "not-in, text"),
        ("Observation?code:inn=x", "did you mean in?"),
        ("Patient?identifier:not-in=x", "not, of-type, text"),
        ("Patient?organization:text=x", "identifier"),
        ("Condition?asserter:below=x", "identifier"),
        ("Patient?birthdate:above=2000", "missing"),
        ("MeasureReport?measure:identifier=x", "below"),
        ("Patient?_filter:not=name eq x", "_filter"),
        ("Patient?_query=x", "_query"),
        ("Patient?_text:exact=x", "_text"),
        ("Patient?_list=$current-problems", "$current-problems"),
        ("Patient?_list:not=1", "_list"),
        ("Patient?_list.code=1", "_list"),
    ],
)
def test_E02_is_an_error_also_for_lenient_clients(search: str, wanted: str) -> None:
    issue = refused(search, strict=False).issues[0]
    assert issue.code == "not-supported"
    assert wanted in issue.diagnostics


@pytest.mark.parametrize("value", ["' OR 1=1--", "%", "_", "\\", ";", '"'])
@pytest.mark.parametrize(
    "name", ["gender", "name", "organization", "identifier", "_id", "_profile", "_tag", "telecom"]
)
def test_E03_characters_of_other_languages_mean_themselves(name: str, value: str) -> None:
    from urllib.parse import quote

    patient = {
        "resourceType": "Patient", "id": "1", "gender": "male", "name": [{"text": "Eve"}],
        "identifier": [{"value": "1"}], "managingOrganization": {"reference": "Organization/1"},
        "telecom": [{"value": "1"}], "meta": {"profile": ["urn:p"], "tag": [{"code": "t"}]},
    }  # fmt: skip
    assert not fits(patient, f"{name}={quote(value)}")


def test_missing() -> None:
    people = [
        {"resourceType": "Patient", "id": "a", "birthDate": "2000"},
        {"resourceType": "Patient", "id": "b"},
    ]
    assert found(people, "Patient?birthdate:missing=true") == ["b"]
    assert found(people, "Patient?birthdate:missing=false") == ["a"]
    for value in ("yes", "", "true,false"):
        assert refused(f"Patient?birthdate:missing={value}").issues[0].code == "value"


def test_every_parameter_can_be_missing() -> None:
    for resource_type in sorted(definitions().resource_types):
        for code, parameter in definitions().search_parameters(resource_type).items():
            if parameter.expression and parameter.type not in ("composite", "special"):
                compiled(f"{resource_type}?{code}:missing=true")


def test_parameters_are_a_conjunction_and_their_values_a_disjunction() -> None:
    people = [
        {
            "resourceType": "Patient",
            "id": id_,
            "communication": [{"language": {"coding": [{"code": c}]}} for c in codes],
        }
        for id_, codes in (("a", ("fr",)), ("b", ("nl",)), ("c", ("fr", "nl")), ("d", ("en", "nl")))
    ]
    assert found(people, "Patient?language=FR&language=NL") == ["c"]
    assert found(people, "Patient?language=FR,NL") == ["a", "b", "c", "d"]
    assert found(people, "Patient?language=FR,NL&language=EN") == ["d"]


def test_E08_so_many_values_and_parameters_and_no_more() -> None:
    values = ",".join("a" * 10_000)
    assert refused(f"Patient?gender={values}").issues[0].code == "too-costly"
    assert refused(f"Patient?{'gender=a&' * 500}").issues[0].code == "too-costly"
    compiled(f"Patient?gender={','.join('a' * 1000)}")
    few = Options(or_values=2, parameters=2, chain_depth=1)
    compiled("Patient?gender=a,b&name=x", options=few)
    assert refused("Patient?gender=a,b,c", options=few).issues[0].code == "too-costly"
    assert refused("Patient?gender=a&name=b&active=true", options=few).issues[0].code == "too-costly"
    assert refused("Observation?patient.organization.name=a", options=few).issues[0].code == "too-costly"


def test_a_chain_to_any_type_compiles_what_comes_behind_has_once() -> None:
    """146 types, and behind each again as many: else it takes the event loop half a second."""
    found = compiled("Appointment?supporting-info._has:Library:depends-on:composed-of._id=x").where
    assert isinstance(found, Or)
    there = [node.where for node in found.terms if isinstance(node, Forward)]
    behind = [node.where for node in there if isinstance(node, Backward)]
    assert len(behind) > 100
    assert all(each is behind[0] for each in behind)
