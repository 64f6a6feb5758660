"""https://hl7.org/fhir/R4/search.html#string"""

import pytest

from fhir_server.search.string import PARTS
from tests.search.searching import compiled, fits, found, refused, rows


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
    assert found(everyone, "Patient?name=zhang") == ["written", "zhang"]
    assert found(everyone, "Patient?family:exact=张") == ["zhang"]


ZHANG = named(family="张", given=["建国"], text="张建国")
SHAN = named(family="单", given=["雄"])
OUYANG = named(family="欧阳", given=["明"])
GULI = named(text="阿依古丽·买买提")
RARE = named(family="𠮷", given=["䶮玥"])


@pytest.mark.parametrize(
    ("name", "search"),
    [
        (ZHANG, "name=zhang"), (ZHANG, "name=zhangjianguo"), (ZHANG, "name=Zhang Jianguo"),
        (ZHANG, "name=ZHANG  JIAN GUO"), (ZHANG, "name=zhāng jiàn guó"), (ZHANG, "name=zhang1jian4guo2"),
        (ZHANG, "name=ｚｈａｎｇ"), (ZHANG, "name=zjg"), (ZHANG, "name=ZJG"), (ZHANG, "name=jianguo"),
        (ZHANG, "family=zhang"), (ZHANG, "family=z"), (ZHANG, "given=jianguo"), (ZHANG, "given=jg"),
        (ZHANG, "name:contains=guo"), (ZHANG, "given:contains=guo"), (ZHANG, "name=nobody,zjg"),
        (ZHANG, "phonetic=zhangjianguo"), (ZHANG, "phonetic=章建国"), (ZHANG, "phonetic=张健"),
        (SHAN, "name=shan"), (SHAN, "name=dan"), (SHAN, "name=sx"), (SHAN, "name=dx"), (SHAN, "family=shan"),
        (SHAN, "family=dan"), (SHAN, "name=单雄"), (SHAN, "name=xiong"), (SHAN, "name=shanxiong"),
        (OUYANG, "name=ouyang ming"), (OUYANG, "family=ouyang"), (OUYANG, "family=oy"), (OUYANG, "name=oym"),
        (GULI, "name=阿依古丽·买买提"), (GULI, "name=阿依古丽•买"), (GULI, "name=阿依古丽买买提"),
        (GULI, "name=阿依古丽 买买提"), (GULI, "name=买买提"), (GULI, "name=ayiguli maimaiti"),
        (GULI, "name=ayiguli·maimaiti"), (GULI, "name=maimaiti"), (GULI, "name=ayglmmt"), (GULI, "name=mmt"),
        (named(text="阿依古丽买买提"), "name=阿依古丽·买买提"), (GULI, "name=A YI GU LI • MAI MAI TI"),
        (named(family="古", given=["丽·买买提"]), "name=丽买买提"),
        (named(family="古", given=["丽·买"]), "name=买"),
        (RARE, "name=𠮷䶮"), (RARE, "name=ji yan yue"), (RARE, "name=jyy"), (RARE, "family=ji"),
        (named(family="吕", given=["布"]), "name=lv bu"), (named(family="吕", given=["布"]), "name=Lü Bu"),
        (named(family="吕", given=["布"]), "name=lu bu"), (named(family="吕", given=["布"]), "family=lyu"),
        (named(text="Dr. Li", family="李", given=["明"]), "name=li ming"),
        (named(text="李明 主任", family="李", given=["明"]), "name=liming"),
    ],
)  # fmt: skip
def test_a_chinese_name_by_pinyin_and_initials(name: dict[str, object], search: str) -> None:
    assert fits(name, search)


@pytest.mark.parametrize(
    ("name", "search"),
    [
        (ZHANG, "name:exact=zhangjianguo"), (ZHANG, "name:exact=zjg"), (ZHANG, "family:exact=zhang"),
        (ZHANG, "given:exact=jianguo"), (ZHANG, "family=zhangjianguo"), (ZHANG, "name=zhan jian guo"),
        (ZHANG, "name=hang"), (ZHANG, "family=jianguo"), (ZHANG, "given=zhang"), (ZHANG, "name=章建国"),
        (ZHANG, "phonetic=李建国"), (ZHANG, "phonetic:exact=章建国"), (SHAN, "name=shandan"),
        (named(text="Zhang San"), "name=张"), (named(text="Zhang San"), "name=zs"),
    ],
)  # fmt: skip
def test_readings_do_not_stand_for_a_name(name: dict[str, object], search: str) -> None:
    assert not fits(name, search)


def test_a_name_without_ideographs_has_no_readings() -> None:
    columns = {column for column, _, _ in rows(EVE).strings}
    assert columns == {
        "Patient.name[string]", "Patient.name[string][parts]", "Patient.name[string][sounds]",
        "Patient.name.given[string]", "Patient.name.family[string]", "Patient.name.family[string][parts]",
    }  # fmt: skip
    assert {text for column, text, _ in rows(EVE).strings if column.endswith(PARTS)} == {"quinones"}


def test_sorting_does_not_see_readings() -> None:
    (key,) = compiled("Patient?_sort=name").sort
    assert key.columns == ("Patient.name[string]",)
    assert {text for column, text, _ in rows(ZHANG).strings if column in key.columns} == {
        "张", "建国", "张建国",
    }  # fmt: skip


@pytest.mark.parametrize(
    "search",
    ["name=xiehe", "name=Xie He", "name=xh", "name=bjxhyy", "name=beijing xiehe", "name=协和",
     "name:contains=xiehe", "phonetic=北惊协和"],
)  # fmt: skip
def test_a_hospital_by_pinyin_and_initials(search: str) -> None:
    hospital = {"resourceType": "Organization", "name": "北京协和医院", "alias": ["协和"]}
    assert fits(hospital, search)
    assert not fits(hospital | {"name": "临沂市人民医院", "alias": []}, search)


@pytest.mark.parametrize("resource_type", ["Location", "HealthcareService"])
def test_places_and_services_by_pinyin(resource_type: str) -> None:
    place = {"resourceType": resource_type, "name": "心内科"}
    assert fits(place, "name=xinneike") and fits(place, "name=xnk") and not fits(place, "name=neike")


@pytest.mark.parametrize("search", ["phonetic=Smyth", "phonetic=Jon Smyth", "phonetic=smyth jon"])
def test_a_name_by_its_sound(search: str) -> None:
    assert fits(named(family="Smith", given=["John"]), search)
    assert fits(named(text="John Smith"), search)
    assert not fits(named(family="Jones", given=["Peter"]), search)


@pytest.mark.parametrize(
    "search", ["name=Smyth", "phonetic=smy", "phonetic:exact=Smyth", "phonetic=Smyth Peter", "phonetic=mith"]
)
def test_not_by_its_sound(search: str) -> None:
    assert not fits(named(family="Smith", given=["John"]), search)


def test_an_organization_by_its_sound() -> None:
    assert fits({"resourceType": "Organization", "name": "Kathryn Clinic"}, "phonetic=catherine")


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
