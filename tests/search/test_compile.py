"""Whole requests: strict and lenient, result parameters, criteria, compartments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.search.compile import Compartment, Parameters, compile_search, criteria
from fhir_server.store.algebra import And, Everything, IdIn, Node, Or, ReferenceIn, SortKey, StringStarts
from fhir_server.store.rows import hash64
from tests.search.searching import BASE, compiled, definitions, refused


def test_no_parameter_fits_everything() -> None:
    search = compiled("Patient?")
    assert (search.resource_types, search.where, search.count) == (("Patient",), Everything(), 20)


def test_E01_lenient_leaves_out_what_is_unknown_and_says_so() -> None:
    search = compiled("Patient?nmae=x&name=eve&birthdate=2024-02-30&_total=many", strict=False)
    assert isinstance(search.where, Or) and search.where.terms[0] == StringStarts(
        "Patient.name[string]", "eve"
    )
    assert search.used == (("name", "eve"),)
    assert [issue.severity for issue in search.issues] == ["warning"] * 3
    assert "did you mean name" in search.issues[0].diagnostics


@pytest.mark.parametrize("value", ["-1", "abc", "", "1.5", "+1", "1e3", "²"])
def test_E05_400_for_a_count_that_is_none(value: str) -> None:
    assert refused(f"Patient?_count={value}").issues[0].code == "value"


def test_E05_the_count_is_cut_to_the_maximum_and_shown_so() -> None:
    for value in ("1000000000", "9" * 5000):
        search = compiled(f"Patient?_count={value}")
        assert (search.count, search.used) == (1000, (("_count", "1000"),))
    assert compiled("Patient?_count=0").count == 0


def test_sort() -> None:
    assert compiled("Observation?_sort=-date,status,_lastUpdated,-_id").sort == (
        SortKey("date", ("Observation.effective[date]",), descending=True),
        SortKey("token", ("Observation.status[token]",)),
        SortKey("updated"),
        SortKey("id", descending=True),
    )
    both = compiled("Patient,Practitioner?_sort=family").sort[0].columns
    assert both == ("Patient.name.family[string]", "Practitioner.name.family[string]")


@pytest.mark.parametrize(
    "search",
    [
        "Patient?_sort=nmae", "Patient?_sort=name:exact", "Observation?_sort=subject.name",
        "Observation?_sort=code-value-quantity", "Location?_sort=near",
        "Patient?_sort:desc=name",
    ],
)  # fmt: skip
def test_E02_400_for_a_sort_that_is_none(search: str) -> None:
    assert refused(search, strict=False).issues[0].code == "not-supported"


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("_total=some", "value"),
        ("_summary=some", "value"),
        ("_elements=nmae", "value"),
        ("_elements=Observation.code", "value"),
        ("_include=Patient", "value"),
        ("_include=Patient:nmae", "value"),
        ("_include=Patient:name", "value"),
        ("_include=Ptient:organization", "value"),
        ("_include=Patient:organization:Orgnization", "value"),
        ("_include:forever=Patient:organization", "not-supported"),
        ("_contained=yes", "value"),
        ("_containedType=both", "value"),
        ("_sort=", "value"),
        ("_type=Patient,Ptient", "value"),
        ("_include=Patient:organization&_summary=text", "not-supported"),
    ],
)
def test_400_for_result_parameters(search: str, code: str) -> None:
    assert refused(f"Patient?{search}").issues[0].code == code


def test_includes() -> None:
    search = compiled("Patient?_include=Patient:organization&_revinclude:iterate=Observation:patient:Patient")
    one, other = search.includes
    assert (one.source, one.target, one.iterate, one.reverse) == ("Patient", None, False, False)
    assert (other.source, other.target, other.iterate, other.reverse) == (
        "Observation",
        "Patient",
        True,
        True,
    )
    assert [found.code for found in one.parameters("Patient")] == ["organization"]
    assert [found.code for found in other.parameters("Observation")] == ["patient"]
    assert one.parameters("Observation") == other.parameters("Patient") == ()


def test_wildcards_of_includes() -> None:
    search = compiled("Patient?_include=Patient:*&_include=*&_revinclude:iterate=Observation:*:Patient")
    one, every, reverse = search.includes
    of_patients = {"organization", "general-practitioner", "link"}
    assert {found.code for found in one.parameters("Patient")} == of_patients
    assert one.parameters("Observation") == ()
    assert {found.code for found in every.parameters("Patient")} == of_patients
    assert len(every.parameters("Observation")) > 10
    assert (every.source, every.target, every.reverse) == (None, None, False)
    assert (reverse.source, reverse.target, reverse.iterate) == ("Observation", "Patient", True)


def test_elements() -> None:
    assert compiled("Patient?_elements=name,Patient.active").elements == ("name", "active")


def test_explain() -> None:
    assert compiled("Patient?_explain=true").explain is True
    assert compiled("Patient?_explain=true").used == (("_explain", "true"),)
    assert compiled("Patient?_explain=false").explain is compiled("Patient").explain is False
    assert refused("Patient?_explain=yes").issues[0].code == "value"
    assert refused("Patient?_explain:not=true", strict=False).issues[0].code == "not-supported"
    lenient = compiled("Patient?_explain=yes", strict=False)
    assert (lenient.explain, lenient.used, len(lenient.issues)) == (False, (), 1)


def test_what_is_about_http_stays_in_the_links() -> None:
    search = compiled("Patient?_format=json&_pretty=true&_contained=false&_cursor=x")
    assert search.used == (("_format", "json"), ("_pretty", "true"), ("_contained", "false"))
    assert search.cursor == "x" and search.where == Everything()


def test_types_of_a_search_over_all() -> None:
    assert compiled("?_type=Patient,Observation&_id=1").resource_types == ("Patient", "Observation")
    assert compiled("?_id=1").resource_types == ()
    assert "did you mean Patient" in refused("?_type=Ptient").issues[0].diagnostics
    compiled("?_type=Patient,Practitioner&name=x")
    assert refused("?_type=Patient,Observation&name=x").issues[0].code == "not-supported"


def of_compartment(types: str, id_: str = "1", code: str = "Patient") -> Node:
    return compiled(f"{types}?", compartment=Compartment(code, id_)).where


def test_a_compartment() -> None:
    where = of_compartment("Observation")
    assert isinstance(where, Or)
    assert ReferenceIn("Observation.subject[reference]", (("Patient", "1"),)) in where.terms
    assert ReferenceIn("Observation.performer[reference]", (("Patient", "1"),)) in where.terms


def test_everything_in_a_compartment() -> None:
    search = compiled("?", compartment=Compartment("Patient", "1"))
    assert {"Observation", "Condition", "Patient"} <= set(search.resource_types)
    assert "Organization" not in search.resource_types
    assert isinstance(search.where, Or) and IdIn(("1",), "Patient") in search.where.terms
    some = compiled("?_type=Observation", compartment=Compartment("Patient", "1"))
    assert some.resource_types == ("Observation",)


def test_criteria() -> None:
    expected = criteria(definitions(), "Patient", [("identifier", "urn:x|1"), ("active", "true")], BASE)
    assert isinstance(expected, And)
    for text in (
        "identifier=urn:x|1&active=true",
        "?identifier=urn:x%7C1&active=true",
        "Patient?identifier=urn:x|1&active=true",
    ):
        assert criteria(definitions(), "Patient", text, BASE) == expected


@pytest.mark.parametrize(
    "given",
    [
        "", " ", "?", "&", [], "nmae=x", "identifier=", "identifier", "_count=1", "_sort=name",
        "_include=Patient:link", "_format=json", "_summary=count", "_elements=name", "_cursor=x",
        "http://example.org/fhir/Patient?identifier=1", "Practitioner?identifier=1", "identifier=1&nmae=x",
        "identifier=1&_filter=x", "name:exct=x", "identifier=1&birthdate=x", "_explain=true",
    ],
)  # fmt: skip
def test_D05_no_criterion_is_dropped(given: str | Parameters) -> None:
    with pytest.raises(FhirError) as caught:
        criteria(definitions(), "Patient", given, BASE)
    assert caught.value.status == 400
    assert caught.value.issues[0].code in ("not-supported", "invalid", "value")


def test_a_criterion_may_hold_a_url() -> None:
    where = criteria(definitions(), "ValueSet", "url=http://x.org/y?a=b", BASE)
    assert where.hashes == (hash64("http://x.org/y?a=b"),)  # type: ignore[union-attr]


CODES = [
    *sorted(definitions().search_parameters("Observation")),
    "_sort",
    "_include",
    "_elements",
    "_has",
    "x",
]
SUFFIXES = [
    "",
    ":exact",
    ":missing",
    ":not",
    ":identifier",
    ":Patient",
    ".name",
    ":Patient.name",
    ":",
    ":Patient:code:code",
]


@given(
    st.sampled_from(CODES),
    st.sampled_from(SUFFIXES) | st.text(),
    st.text() | st.from_regex(r"[\w|$,\\.:+-]{0,20}"),
)
def test_any_parameter_is_understood_or_refused(code: str, suffix: str, value: str) -> None:
    for strict in (True, False):
        try:
            compile_search(
                definitions(),
                ("Observation",),
                [(code + suffix, value)],
                base_url=BASE,
                now_ms=0,
                strict=strict,
            )
        except FhirError as error:
            assert error.status == 400
            assert error.issues[0].code in ("not-supported", "value", "invalid", "too-costly")
