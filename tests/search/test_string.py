"""https://hl7.org/fhir/R4/search.html#string"""

import pytest

from tests.search.searching import fits, found, refused


def named(**name: object) -> dict[str, object]:
    return {"resourceType": "Patient", "name": [name]}


EVE = named(family="Carreño Quiñones", given=["Éve", "Maria"], prefix=["Dr."], text="Dr. Éve M. Carreño")


@pytest.mark.parametrize(
    "search",
    [
        "name=eve", "name=EV", "name=carreno", "name=Dr.", "name=dr. eve m", "name=maria",
        "given=eve", "family=carreno quin", "family=quinones", "name=quinones", "phonetic=eve",
        "name:contains=arre", "family:contains=NO QUI", "name:exact=Éve", "family:exact=Carreño Quiñones",
        "name=nobody,eve", "name:missing=false",
    ],
)  # fmt: skip
def test_found(search: str) -> None:
    assert fits(EVE, search)


@pytest.mark.parametrize(
    "search",
    [
        "name=ve", "family=eve", "given=carreno", "name:exact=Eve", "name:exact=éve", "name:exact=Év",
        "family:exact=Quiñones", "name:contains=xyz", "name:missing=true", "name=eve maria",
    ],
)  # fmt: skip
def test_not_found(search: str) -> None:
    assert not fits(EVE, search)


def test_an_address_by_all_its_parts() -> None:
    address = {
        "text": "3 High St", "line": ["3 High Street", "Flat 2"], "city": "Linyi", "district": "Lanshan",
        "state": "Shandong", "postalCode": "276000", "country": "CN", "use": "home",
    }  # fmt: skip
    patient = {"resourceType": "Patient", "address": [address]}
    for text in ("3 high st", "flat", "linyi", "lanshan", "shandong", "2760", "cn"):
        assert fits(patient, f"address={text}")
    assert not fits(patient, "address=home")
    assert fits(patient, "address-city=lin") and not fits(patient, "address-city=shandong")


def test_a_text_of_a_concept() -> None:
    observation = {"resourceType": "Observation", "valueCodeableConcept": {"text": "Positive"}}
    assert fits(observation, "value-string=pos")


def test_a_primitive_that_is_null_has_no_row() -> None:
    patient = {"resourceType": "Patient", "name": [{"given": [None, "Eve"], "_given": [{"id": "a"}, None]}]}
    assert fits(patient, "given=eve")


def test_E14_chinese_names() -> None:
    """What databases of other servers broke on: ideographs, widths, characters of four bytes."""
    zhang = {"resourceType": "Patient", "id": "zhang", "name": [{"family": "张", "given": ["三丰"]}]}
    written = {"resourceType": "Patient", "id": "written", "name": [{"text": "张 三"}]}
    rare = {"resourceType": "Patient", "id": "rare", "name": [{"text": "𠮷䶮"}]}
    wide = {"resourceType": "Patient", "id": "wide", "name": [{"text": "Ｌｉ　Ｍｉｎｇ"}]}
    everyone = [zhang, written, rare, wide]
    assert found(everyone, "Patient?name=张") == ["written", "zhang"]
    assert found(everyone, "Patient?name=张三") == ["written", "zhang"]
    assert found(everyone, "Patient?name=张三丰") == ["zhang"]
    assert found(everyone, "Patient?name=三") == ["zhang"]
    assert found(everyone, "Patient?name:contains=三") == ["written", "zhang"]
    assert found(everyone, "Patient?name=𠮷") == ["rare"]
    assert found(everyone, "Patient?name=li m") == ["wide"]
    assert found(everyone, "Patient?name=ｌｉ") == ["wide"]
    assert found(everyone, "Patient?name=zhang") == []
    assert found(everyone, "Patient?family:exact=张") == ["zhang"]


@pytest.mark.parametrize("text", ["' OR 1=1--", "%", "_", "\\", ";", '"', "*", "100%"])
def test_E03_is_literal(text: str) -> None:
    from urllib.parse import quote

    assert fits(named(family=text), f"name={quote(text)}")
    assert fits(named(family=f"x{text}y"), f"name:contains={quote(text)}")
    assert fits(named(family=text), f"name:exact={quote(text)}")
    assert not fits(named(family="smith"), f"name={quote(text)}")
    assert not fits(named(family="smith"), f"name:contains={quote(text)}")


def test_400_for_a_text_without_a_character() -> None:
    assert refused("Patient?name=%20%20").issues[0].code == "value"
