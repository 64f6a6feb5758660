"""`_explain=true`: how the store runs a search stands in the OperationOutcome of its Bundle."""

from typing import Any

import pytest

from fhir_server.interactions.explain import LINES, question
from fhir_server.store.algebra import And, Between, Everything, IdIn, ReferenceIn, TokenIn, UpdatedBetween
from tests.interactions.fhir import BASE, Fhir, codes, content, entries_of, entry, observation, patient
from tests.interactions.test_search import link
from tests.search.searching import compiled
from tests.store.sqlite.test_search_plans import scans

BODY_MASS = "code=29463-7&date=ge2024-01-01&date=lt2025"


@pytest.fixture
def world(fhir: Fhir) -> Fhir:
    for n in range(5):
        fhir("PUT", f"Patient/{n}", patient(id=str(n), name=[{"family": "Zhangsan"}], gender="male"))
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
        made = observation(f"Patient/{n}", id=str(n), code=code, effectiveDateTime=f"2024-02-0{n + 1}")
        fhir("PUT", f"Observation/{n}", made)
    return fhir


def outcomes(bundle: Any) -> list[Any]:
    return [each["resource"] for each in bundle.get("entry", ()) if each["search"]["mode"] == "outcome"]


def pieces(bundle: Any) -> list[tuple[str, str]]:
    """Each with its name."""
    (outcome,) = outcomes(bundle)
    for issue in outcome["issue"]:
        assert (issue["severity"], issue["code"]) == ("information", "informational")
    return [(each["extension"][0]["valueString"], each["diagnostics"]) for each in outcome["issue"]]


def texts(bundle: Any, piece: str) -> list[str]:
    return [text for name, text in pieces(bundle) if name == f"explain-{piece}"]


def test_the_pieces_in_their_order(world: Fhir) -> None:
    found = pieces(world.read(f"Observation?{BODY_MASS}&_count=2&_explain=true"))
    names = [name.removeprefix("explain-") for name, _ in found]
    assert names[:2] == ["question", "store"]
    assert names == sorted(names, key=["question", "store", "estimate", "statement"].index)
    assert names.count("estimate") == 3
    assert found[0][1].splitlines()[:2] == ["a page of 2 of Observation", "And"]
    assert found[1][1].startswith("store 1 of 1: 2 hits of 5 resources in ")


def test_a_search_of_w3_seeks(world: Fhir) -> None:
    bundle = world.read(f"Observation?{BODY_MASS}&_explain=true")
    (page,) = [text for text in texts(bundle, "statement") if text.startswith("SELECT r.key AS key, r.seq")]
    statement, *plan, read = page.splitlines()
    assert "FROM token" in statement and "FROM date" in statement
    steps = [step.strip() for step in plan]
    assert any(step.startswith("SEARCH") for step in steps)
    assert scans(steps) == []
    assert read.startswith("5 rows in ")


def test_the_hits_are_those_without_it(world: Fhir) -> None:
    plain = world.read(f"Observation?{BODY_MASS}&_sort=-date")
    told = world.read(f"Observation?{BODY_MASS}&_sort=-date&_explain=true")
    assert told["entry"][:-1] == plain["entry"]
    assert told["total"] == plain["total"]
    assert outcomes(plain) == []
    assert outcomes(world.read("Patient?_explain=false")) == []


@pytest.mark.parametrize("parameters", ["_summary=count", "_count=0"])
def test_a_count(world: Fhir, parameters: str) -> None:
    bundle = world.read(f"Patient?gender=male&{parameters}&_explain=true")
    assert bundle["total"] == 5
    assert texts(bundle, "question")[0].startswith("the total of Patient\n")
    assert texts(bundle, "store")[0].startswith("store 1 of 1: 5 counted of 5 resources in ")
    assert any("count(" in text for text in texts(bundle, "statement"))


def test_a_page_with_a_total_that_is_counted(world: Fhir) -> None:
    bundle = world.read("Patient?gender=male&_count=2&_total=accurate&_explain=true")
    first, total = texts(bundle, "question")
    assert (first.splitlines()[0], total.splitlines()[0]) == (
        "a page of 2 of Patient",
        "the total of Patient",
    )


def test_links_keep_it_and_later_pages_have_it(world: Fhir) -> None:
    url = "Patient?gender=male&_count=3&_explain=true"
    first = world.read(url)
    assert link(first, "self") == url
    following = link(first, "next")
    assert following is not None
    assert texts(world.read(following), "store")[0].startswith("store 1 of 1: 2 hits of 5 ")


def test_beside_warnings_there_is_one_outcome(world: Fhir) -> None:
    bundle = content(world("GET", "Patient?nmae=x&_explain=true", strict=False))
    (outcome,) = outcomes(bundle)
    assert outcome["issue"][0]["severity"] == "warning"
    assert {issue["severity"] for issue in outcome["issue"][1:]} == {"information"}


def test_no_values_but_those_of_the_client(world: Fhir) -> None:
    bundle = world.read("Patient?name=zhang&_explain=true")
    told = "\n".join(text for _, text in pieces(bundle))
    assert "text=zhang" in told
    assert "zhangsan" not in told.casefold()
    assert "zhang" not in "\n".join(texts(bundle, "statement"))


def test_refused_to_clients_that_may_not_see_everything(world: Fhir) -> None:
    for url in ("Patient?_explain=true", "Patient?_summary=count&_explain=true"):
        error = world.refused("GET", url, access=lambda _: Everything())
        assert codes(error) == (400, "not-supported")
    assert outcomes(content(world("GET", "Patient?_explain=false", access=lambda _: Everything()))) == []


def test_in_a_batch_and_a_transaction(world: Fhir) -> None:
    for answers in (world.batch, world.transaction):
        (answer,) = answers(entry("GET", "Patient?gender=male&_explain=true"))
        assert texts(answer["resource"], "store")[0].startswith("store 1 of 1: 5 hits of 5 ")


def test_criteria_have_none(world: Fhir) -> None:
    made = patient(name=[{"family": "x"}])
    error = world.refused("POST", "Patient", made, if_none_exist="gender=male&_explain=true")
    assert codes(error) == (400, "not-supported")
    assert entries_of(world("GET", "Patient?name=x")) == []


def test_a_question_is_read_as_a_tree() -> None:
    where = compiled("Observation?subject=Patient/1&value-quantity=gt5").where
    lines = list(question(where))
    assert lines[0] == "And"
    assert "    ReferenceIn column=Observation.subject[reference] targets=Patient/1" in lines
    assert any(line.strip().startswith("Between kind=number") for line in lines)


@pytest.mark.parametrize(
    ("node", "line"),
    [
        (TokenIn("Patient.gender", (1, 2)), "TokenIn column=Patient.gender hashes=2 hashed"),
        (IdIn(("a",), "Patient"), "IdIn ids=a resource_type=Patient"),
        (IdIn(("a", "b")), "IdIn ids=2"),
        (ReferenceIn("c", (("Patient", "a"), ("Patient", "b"))), "ReferenceIn column=c targets=2"),
        (UpdatedBetween(first=0), "UpdatedBetween first=1970-01-01T00:00:00.000Z"),
        (Between("date", "c", low_to=1e6), "Between kind=date column=c low_to=1970-01-01T00:00:01.000Z"),
        (Between("date", "c", low_to=9e17), "Between kind=date column=c low_to=900000000000000.0"),
        (Between("number", "c", low_to=1.5), "Between kind=number column=c low_to=1.5"),
    ],
)
def test_comparisons(node: Any, line: str) -> None:
    assert list(question(node)) == [line]


def test_a_long_question_is_cut(world: Fhir) -> None:
    values = ",".join(f"{BASE}/Patient/{n},x{n}" for n in range(LINES))
    bundle = world.read(f"Observation?subject={values}&date=2024&_explain=true")
    assert len(texts(bundle, "question")[0]) < 20_000
    many = And(tuple(TokenIn("c", (n,)) for n in range(LINES)))
    assert len(list(question(many))) == LINES + 1
    dates = ",".join(f"ge{1700 + n}-01-01" for n in range(LINES + 1))
    (cut,) = texts(world.read(f"Patient?birthdate={dates}&_explain=true"), "question")
    assert len(cut.splitlines()) == LINES + 1
    assert cut.splitlines()[-1].endswith("more lines")
