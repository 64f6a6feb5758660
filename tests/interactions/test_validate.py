"""$validate, and writes of resources that claim a profile.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fhir_server.interactions.canonicals import StoredCanonicals
from fhir_server.interactions.sources import StoredSources, bound
from fhir_server.resource import Resource, decode
from fhir_server.validation.profile.library import Codes
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_structures
from tests.interactions.fhir import (
    Fhir,
    P,
    bundle,
    codes,
    content,
    definitions,
    observation,
    post,
    put,
)

CANONICAL = "http://example.org/fhir/StructureDefinition/named-patient"
PATIENT: Resource = {"resourceType": "Patient", "active": True}
NAMED: Resource = PATIENT | {"name": [{"family": "Li"}]}


def profile(*elements: dict[str, Any], type_: str = "Patient", url: str = CANONICAL) -> Resource:
    return {
        "resourceType": "StructureDefinition",
        "id": url.rpartition("/")[2],
        "url": url,
        "name": "Profile",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type_,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "derivation": "constraint",
        "differential": {
            "element": [{"id": element["path"]} | element for element in elements or ({"path": type_},)]
        },
    }


def claiming(resource: Resource, *canonicals: str) -> Resource:
    return resource | {"meta": {"profile": [*canonicals]}}


def put_profile(fhir: Fhir, *elements: dict[str, Any]) -> None:
    structure = profile(*elements)
    fhir("PUT", f"StructureDefinition/{structure['id']}", structure)


def issues(fhir: Fhir, url: str, resource: Resource | None = None) -> list[tuple[str, str, str | None]]:
    response = fhir("POST", url, resource)
    assert response.status == 200
    found = content(response)
    assert found["resourceType"] == "OperationOutcome"
    return [
        (issue["severity"], issue["code"], issue.get("expression", [None])[0]) for issue in found["issue"]
    ]


FINE = [("information", "informational", None)]
WITHOUT_TEXT = ("warning", "invariant", "Patient")  # dom-6


class _Sources(StoredSources):
    """The store of the test, and under it the definitions of the core."""

    async def structure(self, canonical: str) -> Resource | None:
        return await super().structure(canonical) or core_structures().get(canonical.partition("|")[0])

    async def codes(self, value_set: str) -> Codes | None:
        return await super().codes(value_set) or definitions().codes(value_set)


@pytest.fixture(autouse=True)
def over_core(fhir: Fhir) -> None:
    core_structures()  # read once, before a loop runs
    bind(fhir)


def bind(fhir: Fhir, **given: Any) -> None:
    """Settings of validation."""
    context = fhir.context
    sources = _Sources(context.store, StoredCanonicals(context.store, definitions()), context.terminology)
    fhir.context = replace(context, profiles=Profiles(definitions(), sources, **given))


NEEDS_A_NAME = {"path": "Patient.name", "min": 1}


def test_C09_a_resource_that_breaks_the_profile_it_claims_is_refused(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    error = fhir.refused("POST", "Patient", claiming(PATIENT, CANONICAL))
    assert codes(error) == (422, "required")
    assert error.issues[0].expression == "Patient.name"
    assert error.issues[0].diagnostics == f"Patient.name: found 0, {CANONICAL} needs at least 1"
    assert fhir("POST", "Patient", claiming(NAMED, CANONICAL)).status == 201


def test_C07_a_code_outside_a_required_binding_of_a_profile_is_422(fhir: Fhir) -> None:
    binding = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
    put_profile(fhir, {"path": "Patient.language", "binding": binding})
    error = fhir.refused("POST", "Patient", claiming(PATIENT | {"language": "zh"}, CANONICAL))
    assert codes(error) == (422, "code-invalid")
    assert fhir("POST", "Patient", PATIENT | {"language": "zh"}).status == 201


def test_C15_an_unknown_modifier_on_a_workflow_resource_is_refused(fhir: Fhir) -> None:
    modifier = [{"url": "http://example.org/not", "valueBoolean": True}]
    task: Resource = {"resourceType": "Task", "status": "requested", "intent": "order"}
    error = fhir.refused("POST", "Task", task | {"modifierExtension": modifier})
    assert codes(error) == (422, "extension")
    assert error.issues[0].expression == "Task.modifierExtension[0]"
    inner = task | {"restriction": {"repetitions": 1, "modifierExtension": modifier}}
    assert codes(fhir.refused("POST", "Task", inner)) == (422, "extension")
    assert fhir("POST", "Task", task | {"extension": modifier}).status == 201


def test_what_breaks_the_base_is_400_before_any_profile(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    broken = claiming(PATIENT | {"gender": "x"}, CANONICAL)
    assert codes(fhir.refused("POST", "Patient", broken)) == (400, "code-invalid")


def test_every_way_to_write_keeps_profiles(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    broken, kept = claiming(PATIENT | {"id": "1"}, CANONICAL), claiming(NAMED | {"id": "1"}, CANONICAL)
    fhir("PUT", "Patient/1", kept)
    patch = [{"op": "remove", "path": "/name"}]
    assert fhir.refused("PUT", "Patient/1", broken).status == 422
    assert fhir.refused("PUT", "Patient?_id=1", broken).status == 422
    assert fhir.refused("PATCH", "Patient/1", patch=patch).status == 422
    error = fhir.refused("POST", "", bundle("transaction", put(kept), put(broken | {"id": "2"})))
    assert (error.status, error.issues[0].expression) == (422, "Bundle.entry[1].resource.name")
    assert fhir.read("Patient/1")["name"] == [{"family": "Li"}]


def test_an_entry_of_a_bundle_keeps_its_profile(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    entries = [{"fullUrl": P, "resource": claiming(PATIENT, CANONICAL)}]
    collection = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    error = fhir.refused("POST", "Bundle", collection)
    assert (error.status, error.issues[0].expression) == (422, "Bundle.entry[0].resource.name")


def test_a_profile_that_changes_is_the_one_that_counts(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    assert fhir.refused("POST", "Patient", claiming(PATIENT, CANONICAL)).status == 422
    put_profile(fhir)
    assert fhir("POST", "Patient", claiming(PATIENT, CANONICAL)).status == 201


def test_a_value_set_that_changes_is_the_one_that_counts(fhir: Fhir) -> None:
    value_set = "http://example.org/fhir/ValueSet/tongues"
    put_profile(
        fhir, {"path": "Patient.language", "binding": {"strength": "required", "valueSet": value_set}}
    )
    spoken = claiming(PATIENT | {"language": "zh"}, CANONICAL)
    for code, status in (("en", 422), ("zh", 201)):
        include = [{"system": "urn:ietf:bcp:47", "concept": [{"code": code}]}]
        found = {"resourceType": "ValueSet", "id": "v", "url": value_set, "status": "active"}
        fhir("PUT", "ValueSet/v", found | {"compose": {"include": include}})
        answered = (
            fhir("POST", "Patient", spoken) if status == 201 else fhir.refused("POST", "Patient", spoken)
        )
        assert answered.status == status


def test_a_profile_that_is_bound_to_a_type_needs_no_claim(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    bind(fhir, bound=bound((f"Patient={CANONICAL}",)))
    assert fhir.refused("POST", "Patient", PATIENT).status == 422
    assert fhir("POST", "Patient", NAMED).status == 201
    assert fhir("POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}}).status == 201


@pytest.mark.parametrize(("unknown", "status"), [("ignore", 201), ("warn", 201), ("error", 422)])
def test_unknown_profiles_as_configured(fhir: Fhir, unknown: Any, status: int) -> None:
    bind(fhir, unknown=unknown)
    resource = claiming(PATIENT, "http://example.org/none")
    if status == 422:
        assert codes(fhir.refused("POST", "Patient", resource)) == (422, "not-found")
    else:
        found = fhir("POST", "Patient", resource).issues
        assert [issue.message for issue in found] == (["profile-unknown"] if unknown == "warn" else [])


def test_warnings_refuse_where_they_are_told_to(fhir: Fhir) -> None:
    own = {"key": "own-1", "severity": "warning", "human": "be active", "expression": "active"}
    put_profile(fhir, {"path": "Patient", "constraint": [own]})
    resource = claiming(PATIENT | {"active": False}, CANONICAL)
    assert [issue.message for issue in fhir("POST", "Patient", resource).issues] == ["constraint-own-1"]
    fhir.settings(refuse_from="warning")
    assert codes(fhir.refused("POST", "Patient", resource)) == (422, "invariant")


def test_a_definition_that_is_wrong_does_not_break_the_server(fhir: Fhir) -> None:
    put_profile(fhir, {"path": "Patient.nmae", "min": 1})
    error = fhir.refused("POST", "Patient", claiming(PATIENT, CANONICAL))
    assert codes(error) == (422, "not-supported")
    assert f"{CANONICAL}: Patient.nmae: the base has no such element" in error.issues[0].diagnostics


def test_a_discriminator_that_leads_nowhere_is_told_with_its_element_and_path(fhir: Fhir) -> None:
    slicing = {"discriminator": [{"type": "value", "path": "uze"}], "rules": "open"}
    put_profile(
        fhir,
        {"path": "Patient.name", "slicing": slicing},
        {"id": "Patient.name:a", "path": "Patient.name", "sliceName": "a"},
    )
    wanted = f"{CANONICAL}: Patient.name:a: discriminator value uze: HumanName has no element uze"
    (issue,) = content(fhir("POST", f"Patient/$validate?profile={CANONICAL}", PATIENT))["issue"][-1:]
    assert (issue["severity"], issue["code"]) == ("error", "not-supported")
    assert wanted in issue["diagnostics"]
    error = fhir.refused("POST", "Patient", claiming(PATIENT, CANONICAL))
    assert codes(error) == (422, "not-supported") and wanted in str(error)


def test_validate_tells_what_is_wrong(fhir: Fhir) -> None:
    assert issues(fhir, "Patient/$validate", PATIENT | {"gender": "x", "birthDate": "2024-02-30"}) == [
        ("error", "code-invalid", "Patient.gender"),
        ("error", "value", "Patient.birthDate"),
    ]
    assert fhir.total("Patient") == 0


def test_validate_warns_of_what_a_write_does_not_mind(fhir: Fhir) -> None:
    assert issues(fhir, "Patient/$validate", PATIENT) == [WITHOUT_TEXT]
    div = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
    told = PATIENT | {"text": {"status": "generated", "div": div}}
    assert issues(fhir, "Patient/$validate", told) == FINE


def test_validate_names_the_rule(fhir: Fhir) -> None:
    found = content(fhir("POST", "Patient/$validate", PATIENT))["issue"][0]
    assert found["extension"] == [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id",
            "valueString": "constraint-dom-6",
        }
    ]


def parameters(**given: Any) -> Resource:
    def value(each: Any) -> Resource:
        return {"resource": each} if isinstance(each, dict) else {"valueUri": each}

    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name} | value(each) for name, each in given.items()],
    }


def test_validate_against_a_profile_that_is_asked_for(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    needed = ("error", "required", "Patient.name")
    assert issues(fhir, f"Patient/$validate?profile={CANONICAL}", PATIENT) == [WITHOUT_TEXT, needed]
    given = parameters(resource=PATIENT, profile=CANONICAL)
    assert issues(fhir, "Patient/$validate", given) == [WITHOUT_TEXT, needed]
    given = parameters(resource=PATIENT, profile="http://example.org/none")
    assert ("warning", "not-found", "Patient") in issues(fhir, "Patient/$validate", given)


def test_validate_what_is_here(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    fhir("PUT", "Patient/1", PATIENT | {"id": "1"})
    assert issues(fhir, "Patient/1/$validate") == [WITHOUT_TEXT]
    url = f"Patient/1/$validate?mode=profile&profile={CANONICAL}"
    assert ("error", "required", "Patient.name") in issues(fhir, url)
    assert fhir("GET", f"Patient/1/$validate?profile={CANONICAL}").status == 200
    assert fhir.refused("POST", "Patient/2/$validate").status == 404


@pytest.mark.parametrize(
    ("url", "resource", "status"),
    [
        ("Patient/$validate", None, 400),
        ("Patient/$validate?mode=all", PATIENT, 400),
        ("Patient/$validate?mode=profile", PATIENT, 400),
        (f"Patient/$validate?mode=profile&profile={CANONICAL}", PATIENT, 400),
        ("Patient/$validate?profiles=x", PATIENT, 400),
        ("Patient/$validate?mode=delete", None, 400),
        ("Basic/$validate", PATIENT, 400),
    ],
)
def test_what_validate_cannot_answer(fhir: Fhir, url: str, resource: Resource | None, status: int) -> None:
    assert fhir.refused("POST", url, resource).status == status


def test_validate_by_mode(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", PATIENT | {"id": "1"})
    assert issues(fhir, "Patient/$validate?mode=create", PATIENT) == [WITHOUT_TEXT]
    assert issues(fhir, "Patient/$validate?mode=create", PATIENT | {"id": "9"}) == [
        ("information", "informational", "Patient.id"),
        WITHOUT_TEXT,
    ]
    assert issues(fhir, "Patient/1/$validate?mode=update", PATIENT | {"id": "1"}) == [WITHOUT_TEXT]
    assert issues(fhir, "Patient/1/$validate?mode=update", PATIENT | {"id": "2"})[0] == (
        "error", "value", "Patient.id",
    )  # fmt: skip
    assert issues(fhir, "Patient/1/$validate?mode=update", PATIENT)[0] == ("error", "required", "Patient.id")
    assert issues(fhir, "Patient/1/$validate?mode=delete") == FINE
    assert issues(fhir, "Patient/2/$validate?mode=delete") == [("warning", "not-found", None)]


def test_validate_a_bundle_says_something_of_each_entry(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    entries = [post(claiming(PATIENT, CANONICAL)), post(NAMED), post(PATIENT | {"gender": "x"})]
    found = issues(fhir, "Bundle/$validate", bundle("transaction", *entries[:2]))
    assert ("error", "required", "Bundle.entry[0].resource.name") in found
    assert ("warning", "invariant", "Bundle.entry[1].resource") in found
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    found = issues(fhir, "Bundle/$validate", bundle("transaction", post(NAMED | {"text": text}), entries[2]))
    assert ("information", "informational", "Bundle.entry[0]") in found
    assert ("error", "code-invalid", "Bundle.entry[1].resource.gender") in found
    assert fhir.total("Patient") == 0


def test_a_code_is_one_of_its_system(fhir: Fhir) -> None:
    system = {"resourceType": "CodeSystem", "id": "c", "url": "http://example.org/c", "status": "active"}
    concepts = [{"code": "a", "concept": [{"code": "b"}]}]
    fhir("PUT", "CodeSystem/c", system | {"content": "complete", "concept": concepts})
    for code, expected in (("b", []), ("x", [("error", "code-invalid", "Patient.maritalStatus.coding[0]")])):
        coding = {"system": "http://example.org/c", "code": code}
        found = issues(fhir, "Patient/$validate", PATIENT | {"maritalStatus": {"coding": [coding]}})
        assert [issue for issue in found if issue[0] == "error"] == expected
    fhir("PUT", "CodeSystem/c", system | {"content": "fragment", "concept": concepts})
    assert issues(fhir, "Patient/$validate", PATIENT | {"maritalStatus": {"coding": [coding]}}) == [
        WITHOUT_TEXT
    ]


def test_a_response_is_checked_against_its_questionnaire(fhir: Fhir) -> None:
    url = "http://example.org/fhir/Questionnaire/q"
    item = {"linkId": "1", "type": "integer", "required": True}
    fhir(
        "PUT", "Questionnaire/q",
        {"resourceType": "Questionnaire", "id": "q", "url": url, "status": "active", "item": [item]},
    )  # fmt: skip
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": url, "status": "completed"}
    assert ("error", "required", "QuestionnaireResponse") in issues(
        fhir, "QuestionnaireResponse/$validate", response
    )
    answered = response | {"item": [{"linkId": "1", "answer": [{"valueString": "x"}]}]}
    assert ("error", "structure", "QuestionnaireResponse.item[0].answer[0].value") in issues(
        fhir, "QuestionnaireResponse/$validate", answered
    )


def test_the_target_of_a_reference_is_looked_up(fhir: Fhir) -> None:
    put_profile(fhir, NEEDS_A_NAME)
    url = "http://example.org/fhir/StructureDefinition/of-named"
    subject = [{"code": "Reference", "targetProfile": [CANONICAL]}]
    structure = profile({"path": "Observation.subject", "type": subject}, type_="Observation", url=url)
    fhir("PUT", "StructureDefinition/of-named", structure)
    fhir("PUT", "Patient/unnamed", PATIENT | {"id": "unnamed"})
    fhir("PUT", "Patient/named", NAMED | {"id": "named"})
    claims = claiming(observation("Patient/named"), url)
    assert fhir("POST", "Observation", claims).status == 201
    assert fhir("POST", "Observation", claims | {"subject": {"reference": "Patient/absent"}}).status == 201
    error = fhir.refused("POST", "Observation", claims | {"subject": {"reference": "Patient/unnamed"}})
    assert (error.status, error.issues[0].message) == (422, "reference-profile")
    error = fhir.refused("POST", "Observation", claims | {"subject": {"reference": "Group/1"}})
    assert (error.status, error.issues[0].message) == (422, "reference-type")


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://169.254.169.254/Patient/1",
        "https://x.org/fhir/Patient/1",
    ],
)
def test_C11_what_is_elsewhere_is_never_fetched(
    fhir: Fhir, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise AssertionError("a connection is opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    url = "http://example.org/fhir/StructureDefinition/of-named"
    subject = [{"code": "Reference", "targetProfile": [CANONICAL]}]
    structure = profile({"path": "Observation.subject", "type": subject}, type_="Observation", url=url)
    put_profile(fhir, NEEDS_A_NAME)
    fhir("PUT", "StructureDefinition/of-named", structure)
    assert fhir("POST", "Observation", claiming(observation(text), url)).status == 201


# ---- lines and columns


def told(answer: Resource) -> list[tuple[str, dict[str, Any]]]:
    """(expression, {line, column}) of the errors."""
    errors = [issue for issue in answer["issue"] if issue["severity"] == "error"]
    return [(issue["expression"][0], dict(_place(issue))) for issue in errors]


def _place(issue: Resource) -> Iterator[tuple[str, int]]:
    for each in issue.get("extension", ()):
        if "valueInteger" in each:
            yield each["url"].rpartition("-")[2], each["valueInteger"]


def test_issues_name_line_and_column_of_the_body(fhir: Fhir) -> None:
    text = b'{"resourceType": "Patient",\n "active": true,\n  "gender": "no"\n}'
    answer = content(fhir("POST", "Patient/$validate", decode(text), text=text))
    assert told(answer) == [("Patient.gender", {"line": 3, "col": 13})]


def test_issues_name_line_and_column_within_parameters(fhir: Fhir) -> None:
    text = b"""{"resourceType": "Parameters", "parameter": [
      {"name": "mode", "valueCode": "create"},
      {"name": "resource", "resource": {"resourceType": "Patient",
        "gender": "no"}}]}"""
    answer = content(fhir("POST", "Patient/$validate", decode(text), text=text))
    assert told(answer) == [("Patient.gender", {"line": 4, "col": 19})]


def test_what_is_stored_has_no_lines(fhir: Fhir) -> None:
    put_profile(fhir, {"path": "Patient.name", "min": 1})
    fhir("PUT", "Patient/1", PATIENT | {"id": "1"})
    answer = content(fhir("GET", f"Patient/1/$validate?profile={CANONICAL}"))
    assert told(answer) == [("Patient.name", {})]
