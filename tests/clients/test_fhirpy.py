"""A day with fhirpy, a client for Python (https://github.com/beda-software/fhir-py)."""

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.server import Server


@pytest.fixture
def client(server: Server) -> SyncFHIRClient:
    return SyncFHIRClient(server.base_url)


def test_create_read_update_delete(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "欧阳", "given": ["静"]}], gender="female")
    patient.save()
    assert patient["meta"]["versionId"] == "1"

    found = client.reference("Patient", patient.id).to_resource()
    assert found["name"][0]["family"] == "欧阳"

    found["birthDate"] = "1980-02-29"
    found.save()
    assert found["meta"]["versionId"] == "2"

    found.delete()
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", patient.id).to_resource()


def test_search_with_include(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Fhirpy"}])
    patient.save()
    for systolic in (118, 141):
        client.resource(
            "Observation",
            status="final",
            code={"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            subject=patient.to_reference(),
            valueQuantity={"value": systolic, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
        ).save()
    observations = client.resources("Observation")

    of_patient = observations.search(subject=patient.to_reference())
    assert len(of_patient.fetch()) == 2
    high = of_patient.search(value_quantity="gt130")
    assert [found["valueQuantity"]["value"] for found in high.fetch()] == [141]
    bundle = of_patient.include("Observation", "subject").fetch_raw()
    modes = [entry["search"]["mode"] for entry in bundle["entry"]]
    assert sorted(modes) == ["include", "match", "match"]


def test_pages_are_followed(client: SyncFHIRClient) -> None:
    for number in range(7):
        client.resource("Organization", name=f"fhirpy pages {number}").save()
    organizations = client.resources("Organization").search(name="fhirpy pages").sort("name").limit(3)
    names = [found["name"] for found in organizations.fetch_all()]
    assert names == [f"fhirpy pages {number}" for number in range(7)]


def test_conditional_update(client: SyncFHIRClient) -> None:
    system = "urn:example:fhirpy"
    same = client.resources("Patient").search(identifier=f"{system}|1")
    patient = client.resource("Patient", identifier=[{"system": system, "value": "1"}])
    first, created = same.update(patient)
    assert created
    again, created = same.update(client.resource("Patient", **patient.serialize(), active=True))
    assert not created
    assert again.id == first.id
    client.resource("Patient", **patient.serialize()).save()
    with pytest.raises(MultipleResourcesFound):
        same.update(patient)


def test_an_error_is_an_outcome(client: SyncFHIRClient) -> None:
    with pytest.raises(OperationOutcome) as raised:
        client.resource("Patient", gender="no such code").save()
    issue = raised.value.resource["issue"][0]
    assert issue["severity"] == "error"
    assert issue["expression"] == ["Patient.gender"]


def test_a_transaction_and_history(client: SyncFHIRClient) -> None:
    whole = "urn:uuid:7f6a3c6e-55b5-4f0a-9f63-3d6c4cbb3d11"
    entries = [
        {
            "fullUrl": whole,
            "resource": {"resourceType": "Organization", "name": "整体"},
            "request": {"method": "POST", "url": "Organization"},
        },
        {
            "resource": {"resourceType": "Organization", "name": "部分", "partOf": {"reference": whole}},
            "request": {"method": "POST", "url": "Organization"},
        },
    ]
    bundle = client.resource("Bundle", type="transaction", entry=entries)
    answer = client.execute("", data=bundle.serialize())
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]
    part = answer["entry"][1]["response"]["location"].split("/_history")[0].split("/")[-1]
    kept = client.reference("Organization", part).to_resource()
    assert client.reference(reference=kept["partOf"]["reference"]).to_resource()["name"] == "整体"
    history = client.execute(f"Organization/{part}/_history", method="get")
    assert [entry["request"]["method"] for entry in history["entry"]] == ["POST"]
