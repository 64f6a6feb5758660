"""The official examples of R4 and Synthea's patients, in and out again.

https://hl7.org/fhir/R4/examples.html, https://synthetichealth.github.io/synthea/
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from fhir_server.resource import Resource, encode, parse
from tests.examples import BROKEN_BUNDLES, definition_bundles, official_examples, synthea_bundles
from tests.interactions.fhir import Fhir, bundle, codes, entries_of, entry
from tests.validation.checking import refused_examples

REFUSED = refused_examples()


def as_sent(text: bytes) -> Any:
    """A resource without what the server sets; decimals as their text."""
    found = json.loads(text, parse_float=lambda digits: f"decimal {digits}")
    meta = {
        key: value for key, value in found.pop("meta", {}).items() if key not in ("versionId", "lastUpdated")
    }
    found.pop("id", None)
    return found | ({"meta": meta} if meta else {})


def stored(fhir: Fhir, url: str) -> Any:
    version = fhir("GET", url).version
    assert version is not None
    return as_sent(version.body)


def accepted() -> Iterable[tuple[bytes, Resource]]:
    return ((text, parse(text)) for file, text in official_examples() if file not in REFUSED)


def test_official_examples_come_back_as_they_were_created(fhir: Fhir) -> None:
    count = 0
    for text, resource in accepted():
        created = fhir("POST", resource["resourceType"], resource)
        assert created.status == 201 and created.version is not None
        assert stored(fhir, f"{resource['resourceType']}/{created.version.id}") == as_sent(text)
        count += 1
    assert count + len(REFUSED) == len(official_examples())


def test_official_examples_come_back_from_transactions_as_they_were_put(fhir: Fhir) -> None:
    for some in _batches(list(accepted()), 100):
        entries = [
            entry("PUT", name, resource, f"http://hl7.org/fhir/{name}")
            for _, resource in some
            for name in [f"{resource['resourceType']}/{resource['id']}"]
        ]
        answers = entries_of(fhir("POST", "", bundle("transaction", *entries)))
        assert {answer["response"]["status"] for answer in answers} == {"201 Created"}
        for (text, _), put in zip(some, entries, strict=True):
            assert stored(fhir, put["request"]["url"]) == as_sent(text)


def test_examples_that_break_the_rules_are_refused(fhir: Fhir) -> None:
    for file, text in official_examples():
        if file in REFUSED:
            resource = parse(text)
            assert fhir.refused("POST", resource["resourceType"], resource).status == 400
    assert fhir.log_length() == 0


@pytest.mark.long
def test_large_bundles_of_definitions_come_back_as_they_were_created(fhir: Fhir) -> None:
    for file, text in definition_bundles():
        if file in BROKEN_BUNDLES:
            continue
        created = fhir("POST", "Bundle", parse(text))
        assert created.version is not None
        assert stored(fhir, f"Bundle/{created.version.id}") == as_sent(text)


REFERENCE = re.compile(r'"reference":"([^"#]+)"')


def test_synthea_bundles_load_whole(fhir: Fhir) -> None:
    sent: Counter[str] = Counter()
    for _, text in synthea_bundles():
        given = parse(text)
        answers = entries_of(fhir("POST", "", given))
        assert {answer["response"]["status"] for answer in answers} == {"201 Created"}
        sent.update(each["resource"]["resourceType"] for each in given["entry"])
    assert fhir.run(fhir.context.store.totals()) == dict(sent)
    versions = fhir.run(fhir.context.store.changes(0, sum(sent.values()) + 1))
    known = {f"{version.resource_type}/{version.id}" for version in versions}
    for version in versions:
        assert known.issuperset(REFERENCE.findall(version.body.decode()))
    assert len(known) == sum(sent.values()) == 11_361


def with_conditions(given: Resource) -> Resource:
    """Whoever has an identifier is created only once."""

    def conditional(each: Resource) -> Resource:
        resource = each["resource"]
        if resource["resourceType"] not in ("Patient", "Organization", "Practitioner"):
            return each
        identifier = resource["identifier"][0]
        criteria = f"identifier={identifier['system']}|{identifier['value']}"
        return each | {"request": each["request"] | {"ifNoneExist": criteria}}

    return given | {"entry": [conditional(each) for each in given["entry"]]}


def small_bundles(count: int) -> list[Resource]:
    texts = sorted((text for _, text in synthea_bundles()), key=len)
    return [parse(text) for text in texts[:count]]


def test_synthea_bundles_loaded_again_under_conditions_make_no_duplicates(fhir: Fhir) -> None:
    totals = []
    for _ in range(2):
        for given in small_bundles(6):
            fhir("POST", "", with_conditions(given))
        totals.append(fhir.run(fhir.context.store.totals()))
    first, second = totals
    for name, count in first.items():
        once = name in ("Patient", "Organization", "Practitioner")
        assert second[name] == (count if once else 2 * count), name
    patient = fhir.read("Patient?_count=1")["entry"][0]["resource"]["id"]
    assert fhir.total(f"Encounter?subject=Patient/{patient}") % 2 == 0


def test_synthea_bundles_put_again_make_no_versions(fhir: Fhir) -> None:
    def put(each: Resource) -> Resource:
        resource = each["resource"]
        return each | {"request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}

    lengths = []
    for _ in range(2):
        for given in small_bundles(3):
            fhir("POST", "", given | {"entry": [put(each) for each in given["entry"]]})
        lengths.append(fhir.log_length())
    assert lengths[0] == lengths[1] > 0


def test_synthea_resources_refer_to_each_other_by_conditions(fhir: Fhir) -> None:
    """References by identifier in the place of `urn:uuid`, as interfaces write them that know no ids."""
    given = small_bundles(1)[0]
    names = {
        each["fullUrl"]: f"{type_}?identifier={identifier['system']}|{identifier['value']}"
        for each in given["entry"]
        if (type_ := each["resource"]["resourceType"]) in ("Patient", "Organization", "Practitioner")
        for identifier in each["resource"]["identifier"][:1]
    }
    text = encode(given)
    for full_url, criteria in names.items():
        text = text.replace(b'"reference":' + encode(full_url), b'"reference":' + encode(criteria))
    assert b"?identifier=" in text
    fhir("POST", "", parse(text))
    versions = fhir.run(fhir.context.store.changes(0, 10_000))
    known = {f"{version.resource_type}/{version.id}" for version in versions}
    assert len(known) == len(given["entry"])
    for version in versions:
        assert known.issuperset(REFERENCE.findall(version.body.decode()))


def test_synthea_bundle_with_one_bad_resource_leaves_nothing(fhir: Fhir) -> None:
    given = small_bundles(1)[0]
    given["entry"][-1]["resource"]["resourceType"] = "Nonsense"
    error = fhir.refused("POST", "", given)
    assert codes(error)[0] == 400
    assert fhir.log_length() == 0


def _batches(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
