"""Whatever stands in a Bundle, it is answered or refused with an issue, and the log stays whole."""

import re
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.interactions.dispatch import perform
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode, encode
from tests.interactions.fhir import Fhir, content, entry, identified, observation, patient, request

URLS = [
    "Patient", "Patient/a", "Patient/b", "Observation/a", "Observation", "Patient?identifier=1",
    "Patient?identifier=2", "Patient?x=1", "metadata", "_history", "Patient/_history", "Patient/a/_history/1",
    "Nonsense/a", "Patient/a_b", "http://example.org/fhir/Patient/a", "http://other.example/fhir/Patient/a",
    "/Patient/a", "Patient//a", "$x", "%",
]  # fmt: skip
FULL_URLS = [
    "urn:uuid:1",
    "urn:uuid:2",
    "http://example.org/fhir/Patient/a",
    "http://other.example/Patient/b",
]
REFERENCES = [
    *FULL_URLS, "Patient/a", "Patient?identifier=1", "Patient?x=1", "#a", "urn:uuid:1/_history/3",
    "Patient/b/_history/1",
]  # fmt: skip
JUNK: st.SearchStrategy[Any] = st.none() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({})


def mostly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 19).flatmap(lambda number: strategy if number else JUNK)


RESOURCES = st.one_of(
    st.builds(lambda id_: patient(id=id_), st.sampled_from(["a", "b"])),
    st.builds(identified, st.sampled_from(["1", "2"])),
    st.builds(observation, st.sampled_from(REFERENCES)),
    st.builds(
        lambda to: patient(link=[{"other": {"reference": to}, "type": "seealso"}]),
        st.sampled_from(REFERENCES),
    ),
)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        "url": st.sampled_from(URLS),
    },
    optional={
        "ifMatch": st.sampled_from(['W/"1"', "1", "*"]),
        "ifNoneMatch": st.sampled_from(["*", 'W/"1"']),
        "ifNoneExist": st.sampled_from(["identifier=1", "identifier=2", "x=1"]),
    },
)
ENTRIES = st.fixed_dictionaries(
    {"request": REQUESTS | JUNK},
    optional={"resource": mostly(RESOURCES), "fullUrl": st.sampled_from(FULL_URLS) | JUNK},
)
BUNDLES = st.fixed_dictionaries(
    {
        "resourceType": st.just("Bundle"),
        "type": st.sampled_from(["batch", "transaction"]),
        "entry": mostly(st.lists(mostly(ENTRIES), max_size=5)),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BUNDLES)
def test_any_bundle_is_answered_or_refused(fhir: Fhir, bundle: dict[str, Any]) -> None:
    before = fhir.log_length()
    try:
        found = content(fhir.run(perform(fhir.context, request("POST", "", bundle))))
    except FhirError as error:
        assert 400 <= error.status < 500 and error.issues
        assert fhir.log_length() == before
    else:
        assert found["type"] == f"{bundle['type']}-response"
        assert len(found.get("entry", [])) == len(bundle["entry"])


# transactions that may well succeed: on Patient/a with the identifier 1, and others with 2 and 3; `@` stands
# for the number of the run, so that one store serves all

WHO = st.sampled_from(["1@", "2@", "3@"])
TO = st.sampled_from(
    [
        "Patient/a@",
        "urn:uuid:00000000-0000-4000-8000-000000000001",
        "urn:uuid:00000000-0000-4000-8000-000000000002",
        "Patient?identifier=1@",
        "Patient?identifier=2@",
        "urn:uuid:00000000-0000-4000-8000-000000000002/_history/4",
    ]
)


def full_url(who: str) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-00000000000{who[0]}"


def _post(who: str, to: str) -> Resource:
    return entry("POST", "Patient", linked(who, to), full_url(who))


def _post_once(who: str, to: str) -> Resource:
    return entry("POST", "Patient", linked(who, to), full_url(who), ifNoneExist=f"identifier={who}")


def _put(who: str, to: str) -> Resource:
    return entry("PUT", f"Patient?identifier={who}", linked(who, to), full_url(who))


def _observe(who: str, to: str) -> Resource:
    return entry("POST", "Observation", observation(to))


def _delete(who: str, to: str) -> Resource:
    return entry("DELETE", f"Patient?identifier={who}")


def _read(who: str, to: str) -> Resource:
    return entry("GET", f"Patient?identifier={who}")


def linked(who: str, to: str) -> Resource:
    return identified(who, link=[{"other": {"reference": to}, "type": "seealso"}])


PLAUSIBLE = st.builds(
    lambda make, who, to: make(who, to),
    st.sampled_from([_post, _post_once, _put, _observe, _observe, _delete, _read]),
    WHO,
    TO,
)


def end_of(fhir: Fhir, entries: list[Resource]) -> list[bytes] | None:
    """What is there after a transaction, ids made alike; None: it was refused."""
    before = fhir.log_length()
    run = f"-run-{before}-"
    fhir("PUT", f"Patient/a{run}", identified(f"1{run}", id=f"a{run}"))
    own: list[Resource] = decode(encode(entries).replace(b"@", run.encode()))
    try:
        fhir.transaction(*own)
    except FhirError as error:
        assert 400 <= error.status < 500
        assert fhir.log_length() == before + 1
        return None
    versions = fhir.run(fhir.context.store.changes(before, 100))
    current = {(version.resource_type, version.id): version for version in versions}
    bodies = (NEW.sub(b"new", version.body) for version in current.values())
    return sorted(TIME.sub(b"", body).replace(run.encode(), b"@") for body in bodies)


NEW = re.compile(rb"new-\d+")
TIME = re.compile(rb'"lastUpdated":"[^"]*"')


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PLAUSIBLE, max_size=5), st.randoms(use_true_random=False))
def test_D14_no_transaction_depends_on_the_order_of_its_entries(
    fhir: Fhir, entries: list[Resource], chance: Random
) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)
    assert end_of(fhir, entries) == end_of(fhir, shuffled)
