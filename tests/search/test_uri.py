"""https://hl7.org/fhir/R4/search.html#uri"""

import pytest

from tests.search.searching import fits, refused

SET = {"resourceType": "ValueSet", "url": "http://acme.org/fhir/ValueSet/123,124"}


def test_exact_and_whole() -> None:
    assert fits(SET, r"url=http://acme.org/fhir/ValueSet/123\,124")
    assert fits(SET, r"url=urn:other,http://acme.org/fhir/ValueSet/123\,124")
    for text in ("http://acme.org/fhir/ValueSet/123,124", "http://acme.org/fhir", "HTTP://ACME.ORG"):
        assert not fits(SET, f"url={text}")


@pytest.mark.parametrize("modifier", ["below", "above"])
def test_400_for_modifiers_to_come(modifier: str) -> None:
    assert refused(f"ValueSet?url:{modifier}=http://acme.org").issues[0].code == "not-supported"
