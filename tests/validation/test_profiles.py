"""Each word of ElementDefinition by its rows under `cases/profiles`, and what holds of every profile."""

import asyncio
from typing import Any

import pytest

from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource, encode
from fhir_server.validation.profile.run import Run
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_structures
from tests.validation.checking import definitions, validator
from tests.validation.profiling import URL, Sources, cases, issues, structure

CASES = list(cases())


@pytest.mark.parametrize(
    ("profiles", "data", "expected"),
    [pytest.param(*row, id=f"{word}: {name}") for word, name, *row in CASES],
)
def test_a_word(profiles: list[dict[str, Any]], data: dict[str, Any], expected: list[list[str]]) -> None:
    before = encode(data)
    found = issues(profiles, data)
    assert [[issue.severity, issue.message, issue.expression] for issue in found] == expected
    assert encode(data) == before
    assert all(issue.diagnostics.startswith(f"{issue.expression}: ") for issue in found)


@pytest.mark.parametrize(("name", "data"), [(name, data) for _, name, _, data, _ in CASES])
def test_the_base_allows_all_that_rows_say(name: str, data: dict[str, Any]) -> None:
    """So that a row shows what the profile adds."""
    assert validator().check(data) == []


def test_the_words_have_rows_that_pass_and_rows_that_fail() -> None:
    for word in {word for word, *_ in CASES}:
        assert {bool(expected) for name, *_, expected in CASES if name == word} == {True, False}


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({"path": "Patient.nmae"}, "Patient.nmae: the base has no such element"),
        ({"path": "Patient.name", "min": 2, "max": "1"}, "Patient.name: min 2 is more than max 1"),
        (
            {"path": "Patient", "constraint": [{"key": "x-1", "severity": "error", "expression": "a b"}]},
            "Patient: constraint x-1: ",
        ),
        ({"path": "Patient.birthDate", "minValueDate": "x"}, "Patient.birthDate: minValueDate is 'x'"),
        (
            {"path": "Patient.name", "slicing": {"rules": "loose"}, "sliceName": None},
            "Patient.name: slicing.rules is 'loose'",
        ),
        (
            {"path": "Patient.name", "slicing": {"discriminator": [{"type": "x", "path": "use"}]}},
            "Patient.name:a: discriminator x use: there is no such type",
        ),
        (
            {"path": "Patient.name", "slicing": {"discriminator": [{"type": "value", "path": "first("}]}},
            "Patient.name:a: discriminator value first(",
        ),
        (
            {
                "path": "Patient.name",
                "slicing": {"discriminator": [{"type": "value", "path": "where(true)"}]},
            },
            "a discriminator is a path of elements",
        ),
    ],
)
def test_what_is_wrong_with_a_profile_names_canonical_and_element(element: Any, message: str) -> None:
    slice_ = {"id": "Patient.name:a", "path": "Patient.name", "sliceName": "a", "min": 1}
    elements = [element, slice_] if "slicing" in element else [element]
    with pytest.raises(DefinitionError) as error:
        issues([{"type": "Patient", "elements": elements}], {"resourceType": "Patient", "active": True})
    assert str(error.value).startswith(f"{URL}: ")
    assert message in str(error.value)


BOUND_SLICE = [
    {
        "path": "Observation.category",
        "slicing": {"discriminator": [{"type": "value", "path": "$this"}], "rules": "closed"},
    },
    {
        "id": "Observation.category:a",
        "path": "Observation.category",
        "sliceName": "a",
        "min": 1,
        "max": "1",
        "binding": {"strength": "required", "valueSet": "http://example.org/set"},
    },
]


@pytest.mark.parametrize(
    ("known", "categories", "found"),
    [
        (True, "a", []),
        (True, "b", ["slicing-closed", "cardinality-min"]),
        (False, "a", []),
        (False, "b", []),
        (False, "ab", []),
        (False, "", ["cardinality-min"]),
        (True, "aa", ["cardinality-max"]),
    ],
)
def test_a_value_set_that_is_not_known_decides_nothing_of_slices(
    known: bool, categories: str, found: list[str]
) -> None:
    category = [{"coding": [{"system": "http://example.org/s", "code": code}]} for code in categories]
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "category": category}
    if not category:
        del resource["category"]
    codes = {"http://example.org/set": frozenset({("http://example.org/s", "a")})} if known else {}
    told = issues([{"type": "Observation", "elements": BOUND_SLICE}], resource, codes=codes)
    assert [issue.message for issue in told if issue.severity == "error"] == found


def test_a_profile_of_no_type_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"example\.org/p: type is 'Patent'"):
        issues([{"type": "Patent", "elements": []}], {"resourceType": "Patient", "active": True})


def test_a_cyclic_profile_ends_with_an_error() -> None:
    ring = [
        {
            "type": "Patient",
            "url": URL,
            "baseDefinition": "http://example.org/q",
            "elements": [{"path": "Patient"}],
        },
        {
            "type": "Patient",
            "url": "http://example.org/q",
            "baseDefinition": URL,
            "elements": [{"path": "Patient"}],
        },
    ]
    with pytest.raises(DefinitionError, match="the definition needs itself"):
        issues(ring, {"resourceType": "Patient", "active": True})


def test_profiles_that_refer_to_each_other_end() -> None:
    """A Patient linked to itself, by a profile that wants the other to conform to it too."""
    other = {"path": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": [URL]}]}
    patient = {
        "resourceType": "Patient",
        "id": "1",
        "link": [{"other": {"reference": "Patient/1"}, "type": "seealso"}],
    }
    profile = {"type": "Patient", "elements": [other]}
    assert issues([profile], patient, resources={"Patient/1": patient}) == []


def test_definitions_are_asked_for_once() -> None:
    asked: list[str] = []

    class Counting(Sources):
        async def structure(self, canonical: str) -> Any:
            asked.append(canonical)
            return await super().structure(canonical)

    core_structures()
    made = structure({"type": "Patient", "elements": [{"path": "Patient.name", "min": 1}]})
    profiles = Profiles(definitions(), Counting([made]))

    async def twice() -> None:
        for _ in range(2):
            patient = {"resourceType": "Patient", "active": True, "meta": {"profile": [URL]}}
            assert [issue.message for issue in await profiles.check(patient, "Patient")] == [
                "cardinality-min"
            ]

    asyncio.run(twice())
    assert len(asked) == len(set(asked))


def test_targets_are_read_only_where_more_than_their_type_is_asked() -> None:
    asked: list[str] = []

    class Counting(Sources):
        async def resource(self, reference: str) -> Any:
            asked.append(reference)
            return await super().resource(reference)

    wanted = ["http://example.org/special", "http://hl7.org/fhir/StructureDefinition/Organization"]
    type_ = {"code": "Reference", "targetProfile": wanted}
    elements = [{"path": "Patient.generalPractitioner", "type": [type_]}]
    special = structure({"type": "Practitioner", "elements": [{"path": "Practitioner.name", "min": 1}]})
    special |= {"url": "http://example.org/special"}
    made = structure({"type": "Patient", "elements": elements})
    known = {"Practitioner/1": {"resourceType": "Practitioner", "id": "1", "active": True}}
    profiles = Profiles(definitions(), Counting([made, special], known))

    def check(reference: str) -> list[str | None]:
        patient = {"resourceType": "Patient", "meta": {"profile": [URL]}}
        patient |= {"generalPractitioner": [{"reference": reference}]}
        return [issue.message for issue in asyncio.run(profiles.check(patient, "Patient"))]

    assert check("Organization/1") == []
    assert check("Location/1") == ["reference-type"]
    assert asked == []
    assert check("Practitioner/1") == ["reference-profile"]
    assert check("urn:uuid:1") == []
    assert asked == ["Practitioner/1", "urn:uuid:1"]


def test_what_waits_for_a_target_is_said_where_its_reference_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    core_structures()  # read once, before a loop runs
    special = structure({"type": "Practitioner", "elements": [{"path": "Practitioner.name", "min": 1}]})
    special |= {"url": "http://example.org/special"}
    type_ = {"code": "Reference", "targetProfile": ["http://example.org/special"]}
    elements = [
        {"path": "Patient.active", "fixedBoolean": True},
        {"path": "Patient.generalPractitioner", "type": [type_]},
        {"path": "Patient.managingOrganization", "max": "0"},
    ]
    made: list[Run] = []

    class Counted(Run):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr("fhir_server.validation.profiles.Run", Counted)
    known = {"Practitioner/1": {"resourceType": "Practitioner", "id": "1"}}
    sources = Sources([structure({"type": "Patient", "elements": elements}), special], known)
    profiles = Profiles(definitions(), sources)
    patient = {
        "resourceType": "Patient",
        "meta": {"profile": [URL]},
        "active": False,
        "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}],
        "managingOrganization": {"reference": "Organization/1"},
    }
    for _ in range(2):
        made.clear()
        found = asyncio.run(profiles.check(patient, "Patient"))
        assert [(issue.message, issue.expression) for issue in found] == [
            ("fixed", "Patient.active"),
            ("reference-profile", "Patient.generalPractitioner[0]"),
            ("cardinality-max", "Patient.managingOrganization"),
        ]
    assert len(made) == 1  # definitions are here by now, and the targets made no other run necessary


def test_who_cannot_wait_for_a_target_has_the_check_made_again() -> None:
    """A slice that its own rules tell: whether it is met hangs on the target."""
    core_structures()  # read once, before a loop runs
    special = structure({"type": "Practitioner", "elements": [{"path": "Practitioner.name", "min": 1}]})
    special |= {"url": "http://example.org/special"}
    type_ = {"code": "Reference", "targetProfile": ["http://example.org/special"]}
    path = "Patient.generalPractitioner"
    elements = [
        {"path": path, "slicing": {"discriminator": [], "rules": "closed"}},
        {"id": f"{path}:named", "path": path, "sliceName": "named", "type": [type_]},
    ]
    made = [structure({"type": "Patient", "elements": elements}), special]
    named = {"resourceType": "Practitioner", "id": "2", "name": [{"text": "王"}]}
    known = {"Practitioner/1": {"resourceType": "Practitioner", "id": "1"}, "Practitioner/2": named}
    profiles = Profiles(definitions(), Sources(made, known))
    references = [{"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}]
    patient = {"resourceType": "Patient", "meta": {"profile": [URL]}, "generalPractitioner": references}
    found = asyncio.run(profiles.check(patient, "Patient"))
    assert [(issue.message, issue.expression) for issue in found] == [
        ("slicing-closed", "Patient.generalPractitioner[0]")
    ]


@pytest.mark.parametrize(
    ("expression", "language", "text", "holds"),
    [
        ("$this != %resource.language", ["de", "fr", "de", "fr"], "fr", [True, False, True, False]),
        ("matches('^[a-z]+$')", ["de"] * 4, "fr", [True] * 4),
        ("matches('^[A-Z]+$')", ["de"] * 4, "fr", [False] * 4),
    ],
)
def test_a_text_for_which_a_constraint_held_is_asked_again_where_the_resource_decides(
    expression: str, language: list[str], text: str, holds: list[bool]
) -> None:
    core_structures()
    rule = {"key": "x-1", "severity": "error", "human": "x", "expression": expression}
    elements = [{"path": "Patient.communication.language.text", "constraint": [rule]}]
    profiles = Profiles(definitions(), Sources([structure({"type": "Patient", "elements": elements})]))
    found = []
    for each in language:
        patient = {"resourceType": "Patient", "meta": {"profile": [URL]}, "language": each}
        patient["communication"] = [{"language": {"text": text}}]
        found.append(asyncio.run(profiles.check(patient, "Patient")) == [])
    assert found == holds


@pytest.mark.parametrize(
    ("closed", "answer", "times"), [(True, None, 1), (True, True, 1), (False, True, 1), (False, None, 2)]
)
def test_what_is_known_of_a_large_value_set_is_not_asked_again(
    closed: bool, answer: bool | None, times: int
) -> None:
    core_structures()  # read once, before a loop runs
    asked: list[str] = []

    class Counting(Sources):
        async def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
            asked.append(code)
            return answer

    bound = {"strength": "required", "valueSet": "http://example.org/huge"}
    made = structure({"type": "Patient", "elements": [{"path": "Patient.maritalStatus", "binding": bound}]})
    profiles = Profiles(definitions(), Counting([made]), closed=closed)
    coding = {"system": "http://example.org/s", "code": "a"}
    patient = {
        "resourceType": "Patient",
        "meta": {"profile": [URL]},
        "maritalStatus": {"coding": [coding]},
    }
    for _ in range(2):
        assert asyncio.run(profiles.check(patient, "Patient")) == []
    assert asked == ["a"] * times


class Asked(Sources):
    """Sources that keep what structures were asked for."""

    def __init__(self) -> None:
        super().__init__([])
        self.structures: list[str] = []

    async def structure(self, canonical: str) -> Resource | None:
        self.structures.append(canonical)
        return await super().structure(canonical)


def unknown_extensions(first: int, behind: int) -> Resource:
    urls = [f"http://example.org/unknown/{number}" for number in range(first, behind)]
    return {"resourceType": "Patient", "extension": [{"url": url, "valueBoolean": True} for url in urls]}


def test_a_resource_may_have_thousands_of_extensions_that_nobody_defined() -> None:
    core_structures()
    profiles = Profiles(definitions(), Asked())
    found = asyncio.run(profiles.review(unknown_extensions(0, 3000), "Patient"))
    assert sum("http://example.org/unknown/" in issue.diagnostics for issue in found) == 3000


def test_thousands_of_profiles_may_be_asked_for() -> None:
    core_structures()
    profiles = Profiles(definitions(), Asked())
    asked = [f"http://example.org/unknown/{number}" for number in range(3000)]
    found = asyncio.run(profiles.review({"resourceType": "Patient", "active": True}, "Patient", asked=asked))
    assert sum(issue.message == "profile-unknown" for issue in found) == 3000


def test_what_nobody_defined_is_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    core_structures()
    monkeypatch.setattr("fhir_server.validation.profiles._UNKNOWN_KEPT", 3)
    sources = Asked()
    profiles = Profiles(definitions(), sources)
    for resource in (unknown_extensions(0, 3), unknown_extensions(0, 3), unknown_extensions(2, 4)):
        asyncio.run(profiles.review(resource, "Patient"))
    assert len(sources.structures) == len(set(sources.structures))
    asyncio.run(profiles.review(unknown_extensions(0, 1), "Patient"))
    assert sources.structures.count("http://example.org/unknown/0") == 2
