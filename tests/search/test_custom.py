"""Definitions of search parameters that clients write: which can be used, and why others cannot."""

from typing import Any

import pytest

from fhir_server.definitions.registry import Definitions, load
from fhir_server.definitions.search_parameters import search_parameter
from fhir_server.resource import Resource
from fhir_server.search.columns import columns_of
from fhir_server.search.custom import columns_by_type, in_force, issues
from fhir_server.search.index import Indexer
from fhir_server.store.rows import hash64

EYES = "http://example.org/eyes"


@pytest.fixture(scope="module")
def core() -> Definitions:
    return load()


def parameter(**changes: Any) -> Resource:
    found = {
        "resourceType": "SearchParameter",
        "id": "eye-colour",
        "url": "http://example.org/SearchParameter/eye-colour",
        "name": "EyeColour",
        "status": "active",
        "description": "Colour of the eyes",
        "code": "eye-colour",
        "base": ["Patient"],
        "type": "token",
        "expression": f"Patient.extension.where(url='{EYES}').value",
        "xpathUsage": "normal",
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def test_a_definition_that_can_be_used_has_no_issues(core: Definitions) -> None:
    assert issues(parameter(), core) == []
    assert issues(parameter(base=["Resource"], expression="meta.tag.userSelected"), core) == []
    assert (
        issues(parameter(expression="Patient.name.select(given.first() & family)", type="string"), core) == []
    )


def test_what_is_not_in_use_is_not_looked_at(core: Definitions) -> None:
    assert issues(parameter(status="retired", expression="("), core) == []


@pytest.mark.parametrize(
    ("changes", "element", "reason"),
    [
        ({"expression": "Patient.name.where("}, "expression", "line 1"),
        ({"expression": "Patient.nonsuch()"}, "expression", "nonsuch"),
        ({"expression": None}, "expression", "is missing"),
        ({"expression": "x" * 5000}, "expression", "5000 characters"),
        ({"expression": "Patient.nam"}, "expression", "selects nothing of Patient that a token"),
        (
            {"expression": "Patient.birthDate", "type": "quantity"},
            "expression",
            "a quantity parameter compares",
        ),
        ({"expression": "Patient.id"}, "expression", "_id and _lastUpdated"),
        ({"base": ["Patient", "Patiant"]}, "base[1]", "'Patiant' is not a resource type"),
        ({"base": ["HumanName"]}, "base[0]", "not a resource type"),
        ({"base": ["Patient", "Basic"]}, "expression", "selects nothing of Basic"),
        ({"code": "eye:colour"}, "code", "cannot stand in a search"),
        ({"code": "_count"}, "code", "cannot stand in a search"),
        ({"code": "_has"}, "code", "cannot stand in a search"),
        ({"code": "name"}, "code", "Patient has a search parameter 'name' already"),
        ({"type": "special"}, "type", "cannot be added"),
        ({"url": "http://hl7.org/fhir/SearchParameter/Patient-active"}, "url", "of FHIR 4.0.1"),
        ({"type": "composite", "expression": "Patient"}, "component", "a composite has components"),
        (
            {"type": "composite", "component": [{"definition": EYES, "expression": "x"}]},
            "component[0].definition",
            "no search parameter here",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_its_reason(
    core: Definitions, changes: dict[str, Any], element: str, reason: str
) -> None:
    found = issues(parameter(**changes), core, "Bundle.entry[3].resource")
    assert found[0].expression == f"Bundle.entry[3].resource.{element}", found
    assert reason in found[0].diagnostics
    assert {(each.severity, each.code) for each in found} == {("error", "business-rule")}


def test_a_second_definition_of_the_same_is_no_clash(core: Definitions) -> None:
    same = parameter(code="active", expression="Patient.active")
    assert issues(same, core) == []
    more, left_out = in_force([same], core)
    assert more.added_parameters == () and left_out == {}


def test_a_copy_of_a_definition_of_r4_may_be_kept_but_not_changed(core: Definitions) -> None:
    url = "http://hl7.org/fhir/SearchParameter/Patient-active"
    copy = parameter(url=url, code="active", expression="Patient.active")
    assert issues(copy, core) == []
    assert in_force([copy], core)[0].added_parameters == ()
    assert issues(copy | {"expression": "Patient.deceased"}, core)[0].expression == "SearchParameter.url"


def test_a_definition_may_be_changed_under_its_own_url(core: Definitions) -> None:
    more, _ = in_force([parameter()], core)
    assert issues(parameter(expression="Patient.gender"), more) == []


def test_the_first_of_two_for_one_code_has_it(core: Definitions) -> None:
    other = parameter(url="http://example.org/other", id="other", expression="Patient.gender")
    more, left_out = in_force([parameter(), other], core)
    assert [each.url for each in more.added_parameters] == [parameter()["url"]]
    assert list(left_out) == ["http://example.org/other (SearchParameter/other)"]
    assert "'eye-colour' already" in left_out["http://example.org/other (SearchParameter/other)"]


def test_two_resources_cannot_define_one_url_otherwise(core: Definitions) -> None:
    more, left_out = in_force([parameter(), parameter(id="b", code="x")], core)
    assert len(more.added_parameters) == 1
    assert "another resource defines" in next(iter(left_out.values()))


def test_a_composite_of_added_parameters_comes_after_them(core: Definitions) -> None:
    composite = parameter(
        id="both", url="http://example.org/both", code="eyes-sex", type="composite", expression="Patient",
        component=[
            {"definition": f"{parameter()['url']}|1.0", "expression": f"extension.where(url='{EYES}').value"},
            {"definition": "http://hl7.org/fhir/SearchParameter/individual-gender", "expression": "gender"},
        ],
    )  # fmt: skip
    assert issues(composite, core)[0].expression == "SearchParameter.component[0].definition"
    more, left_out = in_force([composite, parameter()], core)
    assert left_out == {} and len(more.added_parameters) == 2
    parameter_of = columns_of(more).parameter("Patient", "eyes-sex")
    assert parameter_of is not None and parameter_of.composites


def test_columns_that_only_added_parameters_need(core: Definitions) -> None:
    shared = parameter(id="b", url="http://example.org/b", code="sex", expression="Patient.gender")
    everywhere = parameter(
        id="c", url="http://example.org/c", code="lang", base=["DomainResource"], expression="language"
    )
    more, _ = in_force([parameter(), shared, everywhere], core)
    found = columns_by_type(more, columns_of(more))
    assert f"Patient.extension.where(url='{EYES}').value[token]" in found["Patient"]
    assert not any("gender" in name for name in found["Patient"])
    assert found["Observation"] == {"Observation.language[token]"}
    assert "Bundle" not in found


def test_added_parameters_are_indexed_beside_those_of_the_core(core: Definitions) -> None:
    more, _ = in_force([parameter()], core)
    patient = {
        "resourceType": "Patient",
        "active": True,
        "extension": [{"url": EYES, "valueCode": "blue"}, {"url": "x", "valueCode": "no"}],
    }
    plain = Indexer(core).rows(patient)
    found = Indexer(core).with_definitions(more).rows(patient)
    column = f"Patient.extension.where(url='{EYES}').value[token]"
    assert (column, hash64("blue")) in found.tokens - plain.tokens
    assert {name for name, _ in found.tokens - plain.tokens} == {column}
    assert found.strings == plain.strings


def test_a_value_that_the_expression_breaks_on_is_none(core: Definitions) -> None:
    more, left_out = in_force([parameter(type="string", expression="Patient.name.given & 'x'")], core)
    assert left_out == {}
    indexer = Indexer(core).with_definitions(more)
    one, two = ({"resourceType": "Patient", "name": [{"given": given}]} for given in (["a"], ["a", "b"]))
    mine = {name for name in indexer.rows(one).strings if "&" in name[0]}
    assert [text for _, text, _ in mine] == ["ax"]
    assert not any("&" in name for name, _, _ in indexer.rows(two).strings)


def test_types_without_added_parameters_are_compiled_once(core: Definitions) -> None:
    indexer = Indexer(core)
    more, _ = in_force([parameter()], core)
    other = indexer.with_definitions(more)
    assert other._emit_of("Observation") is indexer._emit_of("Observation")
    assert other._emit_of("Patient") is not indexer._emit_of("Patient")
    assert columns_of(more).parameter("Patient", "name") is columns_of(core).parameter("Patient", "name")


def test_a_definition_is_read_from_its_resource() -> None:
    found = search_parameter(parameter(target=["Patient"], multipleOr=False))
    assert (found.code, found.base, found.targets, found.multiple_or) == (
        "eye-colour", ("Patient",), ("Patient",), False,
    )  # fmt: skip
