"""What search and validation ask: codes, contains, related."""

import pytest

from fhir_server.outcome import FhirError
from fhir_server.terminology.terminology import Terminology
from tests.terminology.memory import ANIMALS, URL, Memory, code_system, concept, run, terminology, value_set

SYSTEM = URL + "animals"
DOGS = value_set(
    "dogs", {"system": SYSTEM, "filter": [{"property": "concept", "op": "is-a", "value": "dog"}]}
)


def keys(*codes: str) -> frozenset[tuple[str, str]]:
    return frozenset((SYSTEM, code) for code in codes)


def test_codes_of_a_value_set() -> None:
    assert run(terminology(ANIMALS, DOGS).codes(URL + "dogs")) == keys("dog", "poodle", "robot-dog")


def test_a_value_set_contains_a_code() -> None:
    found = terminology(ANIMALS, DOGS)
    assert run(found.contains(URL + "dogs", SYSTEM, "poodle"))
    assert run(found.contains(URL + "dogs", None, "poodle"))
    assert not run(found.contains(URL + "dogs", SYSTEM, "cat"))
    assert not run(found.contains(URL + "dogs", None, "cat"))
    assert not run(found.contains(URL + "dogs", "http://other.org", "poodle"))


def test_related_codes() -> None:
    found = terminology(ANIMALS)
    assert run(found.related(SYSTEM, "dog", up=False)) == {"dog", "poodle", "robot-dog"}
    assert run(found.related(SYSTEM, "robot-dog", up=True)) == {"robot-dog", "dog", "animal"}
    assert run(found.related(SYSTEM, "plant", up=True)) == {"plant"}


def test_related_codes_of_a_version() -> None:
    found = terminology(ANIMALS | {"version": "1"})
    assert run(found.related(SYSTEM + "|1", "poodle", up=False)) == {"poodle"}
    with pytest.raises(FhirError, match=r"no version 2 of the CodeSystem http://example.org/animals, but 1"):
        run(found.related(SYSTEM + "|2", "poodle", up=False))


def test_a_version_within_a_url() -> None:
    """As code systems of HL7 v2 have it in the package of R4."""
    one = ANIMALS | {"url": SYSTEM + "|2.7", "version": "0360"}
    dogs = value_set("dogs", {"system": SYSTEM, "version": "2.7", "concept": [{"code": "dog"}]})
    found = terminology(one, dogs, value_set("all", {"system": SYSTEM, "version": "2.7"}))
    assert run(found.related(SYSTEM + "|2.7", "poodle", up=False)) == {"poodle"}
    assert run(found.contains(URL + "dogs", SYSTEM, "dog"))
    assert run(found.codes(URL + "all")) >= keys("dog", "cat")


@pytest.mark.parametrize(
    ("system", "code", "text"),
    [
        ("http://nowhere.org", "a", "there is no CodeSystem http://nowhere.org"),
        (SYSTEM, "dragon", "'dragon' is not a code of http://example.org/animals"),
        (URL + "large", "a", "the codes of http://example.org/large are not here"),
    ],
)
def test_what_is_not_here_is_named(system: str, code: str, text: str) -> None:
    found = terminology(ANIMALS, code_system("large", content="not-present"))
    with pytest.raises(FhirError, match=text) as caught:
        run(found.related(system, code, up=True))
    assert caught.value.status == 404


def test_a_value_set_that_is_not_here_is_named() -> None:
    with pytest.raises(FhirError, match=r"there is no ValueSet http://example.org/dogs"):
        run(terminology().codes(URL + "dogs"))


def test_too_many_codes() -> None:
    with pytest.raises(FhirError, match=r"http://example.org/dogs has more than 2 codes") as caught:
        run(terminology(ANIMALS, DOGS, limit=2).codes(URL + "dogs"))
    assert caught.value.issues[0].code == "too-costly"
    assert run(terminology(ANIMALS, DOGS, limit=3).codes(URL + "dogs"))


def test_a_change_is_seen_by_the_next_question() -> None:
    memory = Memory([ANIMALS, DOGS])
    found = Terminology(memory)
    assert run(found.codes(URL + "dogs")) == keys("dog", "poodle", "robot-dog")
    memory.put(ANIMALS | {"concept": [concept("dog", concept("beagle"))]})
    assert run(found.codes(URL + "dogs")) == keys("dog", "beagle")
    memory.put(value_set("dogs", {"system": SYSTEM, "concept": [{"code": "beagle"}]}))
    assert run(found.codes(URL + "dogs")) == keys("beagle")


def test_nothing_is_read_twice_while_nothing_changes() -> None:
    memory = Memory([ANIMALS, DOGS])
    found = Terminology(memory)
    run(found.codes(URL + "dogs"))
    reads = memory.reads
    for _ in range(3):
        run(found.codes(URL + "dogs"))
        run(found.contains(URL + "dogs", SYSTEM, "cat"))
        run(found.related(SYSTEM, "dog", up=True))
    assert memory.reads == reads
