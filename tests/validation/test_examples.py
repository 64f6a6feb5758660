"""Real resources are accepted: the official examples and Synthea's patients.

An example that breaks the specification stands in `refused.json`, with the reason. The official validator was
asked about the same files. It names the same structural errors with these differences: it does not look at
the type that the text of a reference shows (the four wrong targets in `refused.json`); it refuses blanks in
base64 (two examples), which the R4 grammar of base64Binary allows; it looks at the OID and the UUID inside a
`urn:` of type uri or canonical (two examples), for which R4 has no rule.
"""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_server.resource import parse
from fhir_server.validation.accept import Acceptance
from fhir_server.validation.explain import Explanation
from tests.examples import BROKEN_BUNDLES, definition_bundles, official_examples, synthea_bundles
from tests.validation.checking import definitions, refused_examples, validator

REFUSED = refused_examples()


@pytest.fixture(scope="module")
def examples() -> list[tuple[str, dict[str, Any]]]:
    return [(file, parse(text)) for file, text in official_examples()]


def issues_of(resource: dict[str, Any]) -> list[list[str | None]]:
    return [[issue.code, issue.expression, issue.diagnostics] for issue in validator().check(resource)]


def test_every_official_example_is_accepted_or_listed(examples: list[tuple[str, dict[str, Any]]]) -> None:
    found = {file: issues for file, resource in examples if (issues := issues_of(resource))}
    assert found == {file: listed["issues"] for file, listed in REFUSED.items()}


def test_every_refusal_has_a_reason() -> None:
    assert all(listed["reason"] for listed in REFUSED.values())


def test_the_slow_pass_accepts_what_the_fast_pass_accepts(examples: list[tuple[str, dict[str, Any]]]) -> None:
    explain = Explanation(definitions()).resource
    for file, resource in examples:
        if file not in REFUSED:
            assert list(explain(resource, resource["resourceType"])) == [], file


def test_the_fast_pass_leaves_little_to_the_slow_pass(examples: list[tuple[str, dict[str, Any]]]) -> None:
    accepts = fast()
    left = [file for file, resource in examples if file not in REFUSED and not accepts(resource)]
    assert len(left) < len(examples) / 50, left


def test_synthea_bundles_are_accepted_by_the_fast_pass() -> None:
    accepts = fast()
    resources = 0
    for file, text in synthea_bundles():
        bundle = parse(text)
        assert accepts(bundle), file
        resources += len(bundle["entry"])
    assert resources == 11_361


@pytest.mark.long
def test_bundles_of_definitions_are_accepted() -> None:
    for file, text in definition_bundles():
        # the last issue only says that there are more
        found = {issue.message for issue in validator().check(parse(text))} - {None}
        assert found == BROKEN_BUNDLES.get(file, set()), file


def fast() -> Callable[[Any], bool]:
    return Acceptance(definitions()).resource
