"""What the server emits is read by `fhir.resources`, whose classes others wrote from the definitions of R4B.

https://hl7.org/fhir/R4B/diff.html tells where R4B differs from R4.
"""

from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from fhir_server.resource import Resource, content, parse, served
from tests.examples import official_examples, synthea_bundles

# types of R4 that R4B has dropped or written anew under other names
WITHOUT_CLASS = {
    "EffectEvidenceSynthesis",
    "MedicinalProduct",
    "MedicinalProductAuthorization",
    "MedicinalProductContraindication",
    "MedicinalProductIndication",
    "MedicinalProductIngredient",
    "MedicinalProductInteraction",
    "MedicinalProductManufactured",
    "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect",
    "RiskEvidenceSynthesis",
    "SubstanceSpecification",
}

# by file: the parts that the class refuses, and why
REFUSED: dict[str, tuple[set[str], str]] = {
    "Evidence-example.json": (
        {"variableDefinition", "exposureBackground"},
        "R4B has written Evidence anew: exposureBackground is gone, variableDefinition is required",
    ),
    "Questionnaire-qs1.json": (
        {"item"},
        "32 items lack the linkId that R4 requires too: the server does not accept this example",
    ),
}


def model(resource_type: str) -> Any:
    """The class of a type; None: R4B does not have it."""
    try:
        return get_fhir_model_class(resource_type)
    except ValueError:
        return None


def emitted(resource: Resource) -> bytes:
    resource_type, id_ = resource["resourceType"], resource.get("id", "1")
    return served(content(resource | {"id": id_}), resource_type, id_, 3, 1_795_420_800_123)


def refusals(resource: Resource) -> set[str]:
    """The elements that the class of the type does not take as the server emits them."""
    try:
        model(resource["resourceType"]).model_validate_json(emitted(resource))
    except ValidationError as error:
        return {str(found["loc"][0]) for found in error.errors()}
    return set()


def test_every_official_example_is_read_or_listed() -> None:
    found: dict[str, set[str]] = {}
    without_class: set[str] = set()
    read = 0
    for file, text in official_examples():
        resource = parse(text)
        if model(resource["resourceType"]) is None:
            without_class.add(resource["resourceType"])
        elif refused := refusals(resource):
            found[file] = refused
        else:
            read += 1
    assert found == {file: parts for file, (parts, _) in REFUSED.items()}
    assert without_class == WITHOUT_CLASS
    assert read == len(official_examples()) - len(REFUSED) - len(WITHOUT_CLASS)


def test_a_synthea_patient_is_read() -> None:
    _, text = synthea_bundles()[0]
    resources = [entry["resource"] for entry in parse(text)["entry"]]
    assert len(resources) > 100
    assert [resource["id"] for resource in resources if refusals(resource)] == []


@pytest.mark.parametrize(
    "change", [{"nmae": []}, {"birthDate": "x"}, {"active": "perhaps"}, {"name": {"family": "x"}}]
)
def test_the_second_opinion_is_an_opinion(change: dict[str, Any]) -> None:
    assert refusals({"resourceType": "Patient", "id": "1"} | change) == set(change)
