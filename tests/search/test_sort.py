"""https://hl7.org/fhir/R4/search.html#sort"""

import pytest

from fhir_server.search.columns import columns_of
from fhir_server.store.algebra import SortKey
from tests.search.searching import compiled, definitions, refused, rows


@pytest.mark.parametrize(
    ("search", "kind", "columns"),
    [
        ("Patient?_sort=_id", "id", ()),
        ("Patient?_sort=_lastUpdated", "updated", ()),
        ("Patient?_sort=family", "string", ("Patient.name.family[string]",)),
        ("Patient?_sort=birthdate", "date", ("Patient.birthDate[date]",)),
        ("Patient?_sort=gender", "token", ("Patient.gender[token]",)),
        ("Patient?_sort=active", "token", ("Patient.active[token]",)),
        ("Patient?_sort=identifier", "text", ("Patient.identifier[token]",)),
        ("Patient?_sort=phone", "text", ("Patient.telecom.where(system='phone')[token]",)),
        ("Patient?_sort=organization", "reference", ("Patient.managingOrganization[reference]",)),
        ("Patient?_sort=_profile", "token", ("Patient.meta.profile[uri]",)),
        ("RiskAssessment?_sort=probability", "number", None),
        ("Observation?_sort=value-quantity", "number", None),
        ("ValueSet?_sort=url", "token", ("ValueSet.url[uri]",)),
        ("Observation?_sort=code", "token", ("Observation.code[token]",)),
        ("Patient,Practitioner?_sort=family", "string", None),
        ("Patient,Practitioner?_sort=identifier", "text", None),
        ("Patient,Condition?_sort=identifier", "text", None),
    ],
)
def test_kinds(search: str, kind: str, columns: tuple[str, ...] | None) -> None:
    (key,) = compiled(search).sort
    assert key.kind == kind
    if columns is not None:
        assert key.columns == columns
    else:
        assert len(key.columns) >= len(search.partition("?")[0].split(","))


def test_several_keys_in_both_directions() -> None:
    search = compiled("Patient?_sort=-birthdate,family&_sort=-_id")
    assert [(key.kind, key.descending) for key in search.sort] == [
        ("date", True),
        ("string", False),
        ("id", True),
    ]


def test_quantities_go_by_their_canonical_unit() -> None:
    (key,) = compiled("Observation?_sort=value-quantity").sort

    def number(value: int, code: str) -> float:
        quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": code}
        made = rows({"resourceType": "Observation", "valueQuantity": quantity})
        (low,) = (low for column, _, low, _ in made.numbers if column in key.columns)
        return low

    assert number(2, "kg") == number(2000, "g") > number(999, "g") > number(9999, "mg")


@pytest.mark.parametrize(
    "search",
    [
        "Observation?_sort=code-value-quantity",
        "Observation?_sort=-component-code-value-concept",
        "Patient?_sort=_text",
    ],
)
def test_no_order(search: str) -> None:
    error = refused(search).issues[0]
    assert error.code == "not-supported"


@pytest.mark.parametrize("value", ["", "-", ",", "family,", ",-family"])
def test_400_for_no_parameter(value: str) -> None:
    assert refused(f"Patient?_sort={value}").issues[0].code == "value"


@pytest.mark.parametrize("value", ["nome", "name:exact", "organization.name", "--family", "+family"])
def test_400_for_what_is_no_parameter_of_the_type(value: str) -> None:
    assert refused(f"Patient?_sort={value}").issues[0].code == "not-supported"


def test_types_whose_parameters_are_of_different_kinds_have_no_one_order() -> None:
    """`date` of one type may be a date and of another one a token: then there is no order of both."""
    kinds: dict[str, dict[str, str]] = {}
    for resource_type in sorted(definitions().resource_types):
        for parameter in columns_of(definitions()).parameters(resource_type):
            if parameter.columns:
                kinds.setdefault(parameter.code, {}).setdefault(parameter.type, resource_type)
    mixed = {code: types for code, types in kinds.items() if {"token", "reference"} <= types.keys()}
    assert mixed
    for code, types in mixed.items():
        search = f"{types['token']},{types['reference']}?_sort={code}"
        assert "no one order" in refused(search).issues[0].diagnostics


def test_every_parameter_can_be_sorted_by_or_is_refused_clearly() -> None:
    """All but composites, `near` without a place, and those that have no expression."""
    sortable = 0
    for resource_type in sorted(definitions().resource_types):
        for parameter in columns_of(definitions()).parameters(resource_type):
            query = f"{resource_type}?_sort={parameter.code}"
            has_value = bool(parameter.columns) or parameter.code in ("_id", "_lastUpdated")
            if not has_value or parameter.type == "special":
                assert refused(query).issues[0].code == "not-supported"
            else:
                assert isinstance(compiled(query).sort[0], SortKey)
                sortable += 1
    assert sortable > 1000
