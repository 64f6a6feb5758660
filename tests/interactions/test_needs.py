"""https://hl7.org/fhir/R4/search.html#subsumption, https://hl7.org/fhir/R4/search.html#recursive"""

from collections.abc import Callable

import pytest

from fhir_server.interactions import needs
from fhir_server.resource import Resource
from fhir_server.search.access import Access
from fhir_server.search.terms import InHierarchy, Terms
from fhir_server.store.algebra import Everything, IdIn, Not, Nothing
from tests.interactions.fhir import BASE, Fhir, codes, content, entry, observation, post

ANIMALS = "http://example.org/animals"


def found(fhir: Fhir, url: str) -> list[str]:
    """Ids of the resources that a search finds, sorted."""
    return sorted(each["resource"]["id"] for each in content(fhir("GET", url)).get("entry", ()))


@pytest.fixture
def zoo(fhir: Fhir) -> Fhir:
    """A code system, value sets of it, and an Observation of each code."""
    concepts = [
        {"code": "animal", "concept": [{"code": "cat", "concept": [{"code": "lion"}]}, {"code": "dog"}]},
        {"code": "stone"},
    ]
    fhir(
        "PUT",
        "CodeSystem/animals",
        {
            "resourceType": "CodeSystem",
            "id": "animals",
            "url": ANIMALS,
            "status": "active",
            "content": "complete",
            "concept": concepts,
        },
    )
    for name, only in (("cats", ["cat", "lion"]), ("dogs", ["dog"])):
        fhir("PUT", f"ValueSet/{name}", value_set(name, only))
    for code in ("animal", "cat", "lion", "dog", "stone"):
        fhir("PUT", f"Observation/{code}", coded(code, ANIMALS, code))
    fhir("PUT", "Observation/other", coded("other", "http://example.org/other", "cat"))
    fhir("PUT", "Observation/none", observation("Patient/1", id="none"))
    return fhir


def value_set(id_: str, only: list[str], **elements: object) -> Resource:
    include = [{"system": ANIMALS, "concept": [{"code": code} for code in only]}]
    return {
        "resourceType": "ValueSet",
        "id": id_,
        "url": f"{ANIMALS}/{id_}",
        "status": "active",
        "compose": {"include": include},
    } | elements


def coded(id_: str, system: str, code: str) -> Resource:
    return observation("Patient/1", id=id_, code={"coding": [{"system": system, "code": code}]})


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (f"code:in={ANIMALS}/cats", ["cat", "lion"]),
        ("code:in=ValueSet/cats", ["cat", "lion"]),
        (f"code:in={BASE}/ValueSet/cats", ["cat", "lion"]),
        (f"code:in={ANIMALS}/cats,ValueSet/dogs", ["cat", "dog", "lion"]),
        (f"code:in={ANIMALS}/cats&code:in={ANIMALS}/dogs", []),
        (f"code:not-in={ANIMALS}/cats", ["animal", "dog", "none", "other", "stone"]),
        (f"code:not-in={ANIMALS}/cats,{ANIMALS}/dogs", ["animal", "none", "other", "stone"]),
        (f"code:below={ANIMALS}|cat", ["cat", "lion"]),
        (f"code:below={ANIMALS}|cat,{ANIMALS}|stone", ["cat", "lion", "stone"]),
        (f"code:above={ANIMALS}|lion", ["animal", "cat", "lion"]),
        (f"code:above={ANIMALS}|animal", ["animal"]),
    ],
)
def test_codes_by_their_meaning(zoo: Fhir, search: str, expected: list[str]) -> None:
    assert found(zoo, f"Observation?{search}") == expected


def test_codes_in_chains_and_has(zoo: Fhir) -> None:
    for id_ in ("1", "2"):
        zoo("PUT", f"Patient/{id_}", {"resourceType": "Patient", "id": id_})
    zoo("PUT", "DiagnosticReport/r", {
        "resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "x"},
        "result": [{"reference": "Observation/lion"}],
    })  # fmt: skip
    assert found(zoo, f"Patient?_has:Observation:patient:code:below={ANIMALS}|cat") == ["1"]
    assert found(zoo, f"DiagnosticReport?result.code:in={ANIMALS}/cats") == ["r"]
    assert found(zoo, f"DiagnosticReport?result.code:in={ANIMALS}/dogs") == []


def test_a_code_element_is_of_the_system_that_it_implies(zoo: Fhir) -> None:
    status = "http://hl7.org/fhir/observation-status"
    concepts = [{"system": status, "concept": [{"code": "final"}]}]
    zoo("PUT", "ValueSet/done", value_set("done", [], compose={"include": concepts}))
    zoo("PUT", "ValueSet/wrong", value_set("wrong", ["final"]))
    assert len(found(zoo, "Observation?status:in=ValueSet/done")) == 7
    assert found(zoo, "Observation?status:not-in=ValueSet/done") == []
    assert found(zoo, "Observation?status:in=ValueSet/wrong") == []


def test_a_changed_value_set_is_seen_at_once(zoo: Fhir) -> None:
    assert found(zoo, "Observation?code:in=ValueSet/dogs") == ["dog"]
    assert found(zoo, f"Observation?code:in={ANIMALS}/dogs") == ["dog"]
    zoo("PUT", "ValueSet/dogs", value_set("dogs", ["dog", "stone"]))
    assert found(zoo, "Observation?code:in=ValueSet/dogs") == ["dog", "stone"]
    assert found(zoo, f"Observation?code:in={ANIMALS}/dogs") == ["dog", "stone"]


def test_codes_are_kept_up_to_a_number(zoo: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "CODES_KEPT", 2)
    for _ in range(2):
        assert found(zoo, f"Observation?code:in={ANIMALS}/cats") == ["cat", "lion"]
        assert found(zoo, f"Observation?code:in={ANIMALS}/dogs") == ["dog"]
        assert list(zoo.context.needs._kept) == [f"{ANIMALS}/dogs"]
    monkeypatch.setattr(needs, "CODES_KEPT", 0)
    assert found(zoo, f"Observation?code:in={ANIMALS}/dogs") == ["dog"]
    assert not zoo.context.needs._kept


@pytest.mark.parametrize(
    "search",
    [
        "code:in=http://example.org/nowhere", "code:in=ValueSet/nowhere", "code:not-in=ValueSet/nowhere",
        "code:below=http://example.org/nowhere|cat", f"code:above={ANIMALS}|unicorn",
    ],
)  # fmt: skip
@pytest.mark.parametrize("strict", [True, False])
def test_400_for_definitions_that_are_not_here(zoo: Fhir, search: str, strict: bool) -> None:
    error = zoo.refused("GET", f"Observation?{search}", strict=strict)
    assert codes(error) == (400, "not-found")


def test_400_for_a_code_without_its_system(zoo: Fhir) -> None:
    error = zoo.refused("GET", "Observation?code:below=cat")
    assert codes(error) == (400, "value")


def test_a_code_element_needs_no_system(zoo: Fhir) -> None:
    zoo("PUT", "CodeSystem/status", {
        "resourceType": "CodeSystem", "id": "status", "url": "http://hl7.org/fhir/observation-status",
        "status": "active", "content": "complete", "concept": [{"code": "final"}, {"code": "amended"}],
    })  # fmt: skip
    assert len(found(zoo, "Observation?status:below=final")) == 7
    assert found(zoo, "Observation?status:below=amended") == []


def test_conditions_know_codes_by_their_meaning(zoo: Fhir) -> None:
    new = coded("", ANIMALS, "lion")
    del new["id"]
    answer = zoo("POST", "Observation", new, if_none_exist=f"code:below={ANIMALS}|lion")
    assert (answer.status, answer.location) == (200, f"{BASE}/Observation/lion/_history/1")
    assert zoo("DELETE", f"Observation?code:in={ANIMALS}/dogs").status in (200, 204)
    assert found(zoo, f"Observation?code:in={ANIMALS}/dogs") == []
    reference = {"reference": f"Observation?code:in={ANIMALS}/cats&code:not=cat"}
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "x"},
        "result": [reference],
    }
    zoo.transaction(post(report), entry("GET", f"Observation?code:in={ANIMALS}/cats"))
    assert zoo.total("DiagnosticReport?result=Observation/lion") == 1


def part(id_: str, of: str | None, resource_type: str = "Location") -> Resource:
    made = {"resourceType": resource_type, "id": id_}
    return made if of is None else made | {"partOf": {"reference": f"{resource_type}/{of}"}}


@pytest.fixture
def house(fhir: Fhir) -> Fhir:
    """A house with two floors, on one of them a room with a bed; a ring of two others; Encounters in each."""
    places = {"house": None, "ground": "house", "upper": "house", "room": "upper", "bed": "room"}
    for id_, of in {**places, "ring": "gnir", "gnir": "ring"}.items():
        fhir("PUT", f"Location/{id_}", part(id_, of))
        fhir("PUT", f"Encounter/{id_}", {
            "resourceType": "Encounter", "id": id_, "status": "planned", "class": {"code": "AMB"},
            "location": [{"location": {"reference": f"Location/{id_}"}}],
        })  # fmt: skip
    return fhir


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("Encounter?location:below=upper", ["bed", "room", "upper"]),
        ("Encounter?location:below=Location/house", ["bed", "ground", "house", "room", "upper"]),
        (f"Encounter?location:below={BASE}/Location/room", ["bed", "room"]),
        ("Encounter?location:below=ground,bed", ["bed", "ground"]),
        ("Encounter?location:below=nowhere", []),
        ("Encounter?location:above=room", ["house", "room", "upper"]),
        ("Encounter?location:above=house", ["house"]),
        ("Encounter?location:below=ring", ["gnir", "ring"]),
        ("Encounter?location:above=ring", ["gnir", "ring"]),
        ("Location?partof:below=upper", ["bed", "room"]),
        ("Location?partof:below=house", ["bed", "ground", "room", "upper"]),
        ("Location?partof:above=upper", ["ground", "room", "upper"]),
        ("Location?partof:below=ring", ["gnir", "ring"]),
        ("Location?_has:Encounter:location:location:below=room", ["bed", "room"]),
    ],
)
def test_hierarchies(house: Fhir, search: str, expected: list[str]) -> None:
    assert found(house, search) == expected


def test_a_hierarchy_ends_where_a_resource_was_deleted(house: Fhir) -> None:
    house("DELETE", "Location/room")
    assert found(house, "Encounter?location:below=upper") == ["upper"]
    assert found(house, "Encounter?location:above=bed") == ["bed"]


def test_an_id_of_many_types_is_that_of_those_without_a_hierarchy_too(fhir: Fhir) -> None:
    fhir("PUT", "Organization/b", part("b", "a", "Organization") | {"name": "b"})
    for resource_type in ("Organization", "Practitioner"):
        for id_ in ("a", "b"):
            task = {
                "resourceType": "Task",
                "id": f"{resource_type}-{id_}",
                "status": "draft",
                "intent": "order",
            }
            task["owner"] = {"reference": f"{resource_type}/{id_}"}  # type: ignore[assignment]
            fhir("PUT", f"Task/{task['id']}", task)
    assert found(fhir, "Task?owner:below=a") == ["Organization-a", "Organization-b", "Practitioner-a"]
    assert found(fhir, "Task?owner:below=Organization/a") == ["Organization-a", "Organization-b"]
    assert found(fhir, "Task?owner:below=Practitioner/a") == ["Practitioner-a"]


@pytest.mark.parametrize(
    ("id_", "above", "expected"),
    [
        ("house", False, {"house", "ground", "upper"}),
        ("bed", True, {"bed", "room"}),
        ("room", True, {"room"}),
    ],
)
def test_G03_a_hierarchy_leads_nowhere_through_what_is_hidden(
    house: Fhir, id_: str, above: bool, expected: set[str]
) -> None:
    need = InHierarchy("Location", id_, ("Location.partOf[reference]",), above)
    context, hidden = house.context, lambda _: Not(IdIn(("room",)))
    compiled = context.needs.compiled(lambda terms: terms.hierarchy(need), context.store, hidden)
    assert house.run(compiled) == expected


def all_but(hidden: str) -> Access:
    return lambda resource_type: Nothing() if resource_type == hidden else Everything()


def test_G05_a_hidden_value_set_is_not_there(zoo: Fhir) -> None:
    url = "Observation?code:in=ValueSet/cats"
    assert codes(zoo.refused("GET", url, access=all_but("ValueSet"))) == (400, "not-found")
    assert zoo("GET", url, access=all_but("Patient")).status == 200


def test_G03_a_hidden_list_lists_nothing(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", {"resourceType": "Patient", "id": "1"})
    entries = [{"item": {"reference": "Patient/1"}}]
    made = {"resourceType": "List", "id": "42", "status": "current", "mode": "working", "entry": entries}
    fhir("PUT", "List/42", made)
    assert content(fhir("GET", "Patient?_list=42", access=all_but("Basic")))["total"] == 1
    assert content(fhir("GET", "Patient?_list=42", access=all_but("List")))["total"] == 0


def test_400_for_a_hierarchy_of_another_server(house: Fhir) -> None:
    error = house.refused("GET", "Encounter?location:below=http://other.org/Location/1")
    assert codes(error) == (400, "value")


def test_400_when_a_hierarchy_is_too_large(house: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "HIERARCHY_LIMIT", 3)
    assert found(house, "Encounter?location:below=upper") == ["bed", "room", "upper"]
    error = house.refused("GET", "Encounter?location:below=house")
    assert codes(error) == (400, "too-costly")
    assert "Location/house" in (error.issues[0].diagnostics or "")


def test_lists(fhir: Fhir) -> None:
    """https://hl7.org/fhir/R4/search.html#list"""
    for id_, gender in (("1", "female"), ("2", "male"), ("3", "female")):
        fhir("PUT", f"Patient/{id_}", {"resourceType": "Patient", "id": id_, "gender": gender})
    for id_, patients in (("42", "12"), ("43", "23")):
        items = [{"item": {"reference": f"Patient/{each}"}} for each in patients]
        items.append({"item": {"reference": f"List/{id_}"}})
        made = {"resourceType": "List", "id": id_, "status": "current", "mode": "working", "entry": items}
        fhir("PUT", f"List/{id_}", made)
    fhir("PUT", "Observation/o", observation("Patient/2", id="o"))
    assert found(fhir, "Patient?_list=42") == ["1", "2"]
    assert found(fhir, "Patient?_list=42,43") == ["1", "2", "3"]
    assert found(fhir, "Patient?_list=42&_list=43") == ["2"]
    assert found(fhir, "Patient?_list=42&gender=female") == ["1"]
    assert found(fhir, "Patient?_list=44") == []
    assert found(fhir, "?_list=42") == ["1", "2", "42"]
    assert found(fhir, "Observation?subject:Patient._list=42") == ["o"]
    assert codes(fhir.refused("GET", "Patient?_list=List/42")) == (400, "value")
    fhir("DELETE", "List/42")
    assert found(fhir, "Patient?_list=42") == []


def test_a_search_that_needs_nothing_is_remembered_from_the_second_time_on(fhir: Fhir) -> None:
    made: list[int] = []

    def compile_(_: Terms) -> int:
        made.append(len(made))
        return made[-1]

    needs, store = fhir.context.needs, fhir.context.store
    for words, expected in (("a", 0), ("a", 1), ("a", 1), ("b", 2), (None, 3), (None, 4), ("a", 1)):
        assert fhir.run(needs.compiled(compile_, store, None, words)) == expected


def test_what_is_of_a_moment_or_looked_up_is_compiled_each_time(zoo: Fhir) -> None:
    made: list[Callable[[Terms], object]] = []

    def timed(terms: Terms) -> bool:
        made.append(timed)
        terms.timed = True
        return True

    def named(terms: Terms) -> tuple[str, ...]:
        made.append(named)
        return terms.names_of("urn:oid:1.2.3")

    def looked_up(terms: Terms) -> object:
        if codes := terms.codes_in(f"{ANIMALS}/cats"):
            made.append(looked_up)
        return codes

    needs, store = zoo.context.needs, zoo.context.store
    zoo.run(needs.compiled(named, store, None))  # the names are read when first asked for
    made.clear()
    for compile_ in (timed, named, looked_up):
        for _ in range(2):
            zoo.run(needs.compiled(compile_, store, None, compile_.__name__))
    assert made == [timed, timed, named, named, looked_up, looked_up]


def test_only_the_searches_of_late_are_remembered(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "REMEMBERED", 2)
    made: list[str] = []

    def compiled(words: str) -> None:
        def compile_(_: Terms) -> str:
            made.append(words)
            return words

        assert fhir.run(fhir.context.needs.compiled(compile_, fhir.context.store, None, words)) == words

    for words in "aabbaccab":
        compiled(words)
    assert made == ["a", "a", "b", "b", "c", "c", "b"]


def test_a_value_set_that_changes_changes_a_search_that_was_run(zoo: Fhir) -> None:
    url = f"Observation?code:in={ANIMALS}/cats"
    assert found(zoo, url) == ["cat", "lion"]
    zoo("PUT", "ValueSet/cats", value_set("cats", ["dog"]))
    assert found(zoo, url) == ["dog"]


def test_near_a_date_is_another_range_at_another_time(fhir: Fhir) -> None:
    fhir("POST", "Patient", {"resourceType": "Patient", "birthDate": "2024-01-01"})
    url = "Patient?birthdate=ap2024-10-01"
    assert found(fhir, url) == []
    fhir.clock.now_ms += 10 * 365 * 86_400_000
    assert len(found(fhir, url)) == 1
