"""Index rows of whole resources."""

from fhir_server.resource import content
from fhir_server.search.columns import columns_of
from fhir_server.search.index import Indexer
from fhir_server.store.rows import Rows, hash64
from tests.examples import synthea_bundles
from tests.search.searching import BASE, definitions, indexer, rows

PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-01T00:00:00Z", "tag": [{"code": "demo"}]},
    "gender": "male",
    "birthDate": "1974-12-25",
    "name": [{"family": "Chalmers"}],
    "managingOrganization": {"reference": "Organization/1"},
    "contained": [{"resourceType": "Organization", "id": "in", "name": "Inside"}],
}


def test_the_rows_of_a_patient() -> None:
    made = rows(PATIENT)
    assert made.tokens == {
        ("Patient.gender[token]", hash64("male")),
        ("Patient.meta.tag[token]", hash64("demo", "")),
        # https://hl7.org/fhir/R4/patient.html#search: `deceased` is false where nothing says otherwise
        ("Patient.deceased.exists() and Patient.deceased != false[token]", hash64("false")),
    }
    assert made.strings == {
        ("Patient.name[string]", "chalmers", hash64("Chalmers")),
        ("Patient.name.family[string]", "chalmers", hash64("Chalmers")),
        ("Patient.name[string][sounds]", "XLMRS", 0),
    }
    assert {column for column, *_ in made.dates} == {"Patient.birthDate[date]"}
    assert made.references == {("Patient.managingOrganization[reference]", "Organization", "1")}
    assert made.numbers == set()
    (contained,) = made.instances
    assert contained.tokens == {
        ("contained.[type]", hash64("Organization")),
        ("contained.[id]", hash64("in")),
    }
    named = ("contained.Organization.name[string]", "inside", hash64("Inside"))
    assert named in contained.strings


def test_what_the_server_sets_makes_no_row() -> None:
    """The same rows for the content that is stored and for the resource that is served."""
    assert indexer().extract("Patient", content(PATIENT)) == rows(PATIENT)


def test_a_resource_with_nothing_to_index() -> None:
    assert rows({"resourceType": "Basic", "id": "1"}) == Rows()


def test_one_column_alone() -> None:
    parameter = columns_of(definitions()).parameter("Patient", "organization")
    assert parameter is not None
    made = indexer().of_columns(PATIENT, (parameter.columns[0].name, "Patient.nowhere"))
    assert made == Rows(references={("Patient.managingOrganization[reference]", "Organization", "1")})


def test_references_below_the_base_of_the_server_are_local() -> None:
    absolute = PATIENT | {"managingOrganization": {"reference": f"{BASE}/Organization/1"}}
    assert Indexer(definitions(), bases=(f"{BASE}/",)).rows(absolute).references
    assert not Indexer(definitions()).rows(absolute).references


def test_real_records_take_few_rows() -> None:
    """W13 allows 270 bytes of index for a resource, some ten rows of 20 to 30 bytes."""
    from fhir_server.resource import decode

    total, count = 0, 0
    for _, text in synthea_bundles()[:5]:
        for entry in decode(text)["entry"]:
            made = rows(entry["resource"])
            kinds = [made, *made.instances]
            total += sum(
                len(each.tokens)
                + len(each.strings)
                + len(each.dates)
                + len(each.numbers)
                + len(each.references)
                for each in kinds
            )
            count += 1
    assert count > 500
    assert total / count < 13
