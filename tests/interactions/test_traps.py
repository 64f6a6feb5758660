"""What other servers got wrong, one test each: a question that each of them answered badly, answered well.

https://hl7.org/fhir/R4/search.html, https://hl7.org/fhir/R4/http.html

Two more have places of their own: conditional creates on two workers (`tests/races/test_conditions.py`), and
parameters of clients whose index is built while others write (`tests/bulk/test_search_parameters.py`).
"""

from decimal import Decimal

import pytest

from fhir_server.interactions.request import Request
from tests.interactions.fhir import BASE, Fhir, codes, content, entry, observation, patient, post, put
from tests.interactions.test_search import entries, link, matches, outcomes, pages
from tests.interactions.test_search import put as put_all

UCUM = "http://unitsofmeasure.org"


def weight(id_: str, value: float, unit: str, subject: str = "Patient/1") -> dict[str, object]:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    return observation(subject, id=id_, valueQuantity=quantity)


@pytest.mark.parametrize(
    "value", ["70|http://unitsofmeasure.org|kg", "70||kg", "70000|http://unitsofmeasure.org|g"]
)
def test_a_quantity_is_searched_with_its_unit(fhir: Fhir, value: str) -> None:
    put_all(fhir, weight("kg", 70, "kg"), weight("g", 70000, "g"), weight("other", 70, "g"))
    found = set(matches(fhir.read(f"Observation?value-quantity={value}")))
    # `||kg` is a code or a unit as it is written; with its system a unit is one of a kind
    assert found == ({"kg"} if "||" in value else {"kg", "g"})


def test_locations_are_found_near_a_place(fhir: Fhir) -> None:
    def location(id_: str, latitude: str, longitude: str) -> dict[str, object]:
        position = {"latitude": Decimal(latitude), "longitude": Decimal(longitude)}
        return {"resourceType": "Location", "id": id_, "position": position}

    put_all(fhir, location("town", "28.16", "113.63"), location("capital", "28.23", "112.94"))
    assert matches(fhir.read("Location?near=28.16|113.64|10|km")) == ["town"]


@pytest.mark.parametrize(
    ("name", "found"),
    [("family", ["1", "2"]), ("family:exact", ["1"]), ("family:contains", ["1", "2", "3"])],
)
def test_modifiers_of_strings(fhir: Fhir, name: str, found: list[str]) -> None:
    for number, family in enumerate(("Ye", "Yeo", "Faye"), 1):
        put_all(fhir, patient(id=str(number), name=[{"family": family}]))
    assert sorted(matches(fhir.read(f"Patient?{name}=Ye"))) == found


def test_missing(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1", gender="male"), patient(id="2"))
    assert matches(fhir.read("Patient?gender:missing=true")) == ["2"]
    assert matches(fhir.read("Patient?gender:missing=false")) == ["1"]


@pytest.mark.parametrize(
    ("modifier", "code", "found"),
    [("below", "animal", ["cat", "dog"]), ("above", "cat", ["animal", "cat"])],
)
def test_codes_above_and_below_in_their_system(
    fhir: Fhir, modifier: str, code: str, found: list[str]
) -> None:
    concepts = [{"code": "animal", "concept": [{"code": "cat"}, {"code": "dog"}]}]
    system = {
        "resourceType": "CodeSystem", "id": "pets", "url": "http://example.org/pets", "status": "active",
        "content": "complete", "concept": concepts,
    }  # fmt: skip
    put_all(fhir, system)
    for each in ("animal", "cat", "dog"):
        coded = {"coding": [{"system": "http://example.org/pets", "code": each}]}
        put_all(fhir, observation("Patient/1", id=each, code=coded))
    expected = set(found) | ({"animal"} if modifier == "below" else set())  # the code itself is among them
    assert set(matches(fhir.read(f"Observation?code:{modifier}=http://example.org/pets|{code}"))) == expected


def test_a_day_is_one_of_the_clocks_on_the_wall(fhir: Fhir) -> None:
    """ "Where a timezone is not specified the server's local time applies": Asia/Shanghai, not UTC."""
    put_all(
        fhir,
        observation("Patient/1", id="morning", effectiveDateTime="2026-03-01T22:30:00Z"),  # 6:30 of the 2nd
        observation("Patient/1", id="before", effectiveDateTime="2026-03-01T15:59:59Z"),
    )
    assert matches(fhir.read("Observation?date=2026-03-02")) == ["morning"]
    assert matches(fhir.read("Observation?date=2026-03-01")) == ["before"]


def test_a_chain_inside_has(fhir: Fhir) -> None:
    put_all(
        fhir,
        patient(id="1"),
        patient(id="2"),
        {"resourceType": "Practitioner", "id": "wang", "name": [{"text": "王医生"}]},
        observation("Patient/1", id="a", performer=[{"reference": "Practitioner/wang"}]),
        observation("Patient/2", id="b"),
    )
    found = fhir.read("Patient?_has:Observation:patient:performer:Practitioner.name=王医生")
    assert matches(found) == ["1"]


def test_includes_of_a_ring_end(fhir: Fhir) -> None:
    for number, other in ((1, 2), (2, 3), (3, 1)):
        part = {"reference": f"Organization/{other}"}
        put_all(fhir, {"resourceType": "Organization", "id": str(number), "name": "x", "partOf": part})
    found = fhir.read("Organization?_id=1&_include:iterate=Organization:partof")
    assert matches(found) == ["1"]
    assert sorted(entries(found, "include")) == ["Organization/2", "Organization/3"]


@pytest.mark.parametrize("sort", ["birthdate", "-birthdate", "gender,-birthdate", "family", "-_lastUpdated"])
def test_no_order_loses_a_resource(fhir: Fhir, sort: str) -> None:
    """Neither those without the value, nor those with two, nor those that are alike."""
    put_all(
        fhir,
        patient(id="none"),
        patient(id="two", name=[{"family": "A"}, {"family": "Z"}], birthDate="1980-05-05"),
        patient(id="year", name=[{"family": "M"}], birthDate="1980"),
        patient(id="same", name=[{"family": "M"}], birthDate="1980", gender="male"),
    )
    found = [each for page in pages(fhir, f"Patient?_count=1&_sort={sort}") for each in matches(page)]
    assert sorted(found) == ["none", "same", "two", "year"]
    if "birthdate" in sort or sort == "family":
        assert found[-1] == "none"


def test_pages_do_not_expire(fhir: Fhir) -> None:
    """They are no kept result sets: a year later, and after a restart, a cursor still leads on."""
    put_all(fhir, *(patient(id=str(number)) for number in range(3)))
    following = link(fhir.read("Patient?_count=1"), "next")
    assert following is not None
    fhir.clock.now_ms += 366 * 86_400_000
    assert len(matches(fhir.read(following))) == 1


def test_a_compartment_keeps_others_out(fhir: Fhir) -> None:
    put_all(
        fhir,
        patient(id="1"),
        patient(id="2"),
        weight("mine", 70, "kg"),
        weight("theirs", 70, "kg", "Patient/2"),
    )
    # nothing that is searched for, nor an OR, leads out of it
    for search in ("", "?_id=mine,theirs", "?subject=Patient/2,Patient/1", "?code:text=weight"):
        assert matches(fhir.read(f"Patient/1/Observation{search}")) == ["mine"]
    assert matches(fhir.read("Patient/1/Observation?subject=Patient/2")) == []


def test_all_types_at_once(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1"), weight("a", 70, "kg"))
    assert set(entries(fhir.read("?_type=Patient,Observation"), "match")) == {"Patient/1", "Observation/a"}


@pytest.mark.parametrize("search", ['_filter=family eq "王" and gender eq male', "_text=肺炎"])
def test_filters_and_texts(fhir: Fhir, search: str) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">肺炎</div>'
    put_all(
        fhir,
        patient(id="1", name=[{"family": "王"}], gender="male", text={"status": "generated", "div": div}),
        patient(id="2", name=[{"family": "王"}], gender="female"),
    )
    assert matches(fhir.read(f"Patient?{search}")) == ["1"]


@pytest.mark.parametrize(
    ("search", "known"), [("nmae=x", "name"), ("birthDate=2026", "birthdate"), ("gender:exct=male", "")]
)
def test_what_is_not_known_does_not_find_everything(fhir: Fhir, search: str, known: str) -> None:
    put_all(fhir, patient(id="1"))
    error = fhir.refused("GET", f"Patient?{search}")
    assert codes(error) == (400, "not-supported")
    assert known in str(error)


def test_what_is_left_out_on_request_is_told(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1"), patient(id="2"))
    found = content(fhir("GET", "Patient?nmae=x&_id=1", strict=False))
    assert matches(found) == ["1"]
    assert [each["severity"] for each in outcomes(found)] == ["warning"]
    assert link(found, "self") == "Patient?_id=1"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("name=张", ["1"]), ("name=张三", ["1"]), ("name:contains=三", ["1"]), ("name=张 三", ["1"]),
        ("name=zhangsan", ["1"]), ("name=Zhang San", ["1"]), ("name=zs", ["1"]), ("name=ＺＳ", ["1"]),
        ("phonetic=zhangsan", ["1"]), ("name=shan", ["3"]), ("name=dan", ["3"]), ("name=sf", ["3"]),
        ("name=ouyang", ["4"]), ("name=oy", ["4"]), ("name=阿依古丽•买买提", ["5"]), ("name=买买提", ["5"]),
        ("name=𠮷田", ["6"]),
    ],
)  # fmt: skip
def test_E10_14_chinese_names_as_people_type_them(fhir: Fhir, search: str, found: list[str]) -> None:
    """Characters, pinyin, initials, a surname of two readings, one of two characters, dots, four bytes."""
    names = ("张三", "李四", "单芳", "欧阳明", "阿依古丽·买买提", "𠮷田")
    put_all(fhir, *(patient(id=str(n), name=[{"text": name}]) for n, name in enumerate(names, 1)))
    assert matches(fhir.read(f"Patient?{search}")) == found


# REST


def test_a_read_that_is_known_is_304(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1"))
    assert fhir("GET", "Patient/1", if_none_match='W/"1"').status == 304
    assert fhir("GET", "Patient/1", if_none_match='W/"2"').status == 200


def test_a_transaction_goes_by_the_order_of_the_specification(fhir: Fhir) -> None:
    """DELETE, POST, PUT, GET, whatever the order in the Bundle."""
    put_all(fhir, patient(id="old", identifier=[{"system": "urn:x", "value": "1"}]))
    found = fhir.transaction(
        entry("GET", "Patient?identifier=urn:x|1"),
        post(patient(identifier=[{"system": "urn:x", "value": "1"}]), ifNoneExist="identifier=urn:x|1"),
        entry("DELETE", "Patient/old"),
    )
    assert [each["response"]["status"][:3] for each in found] == ["200", "201", "204"]
    assert found[0]["resource"]["total"] == 1


def test_a_transaction_is_no_batch(fhir: Fhir) -> None:
    error = fhir.refused_transaction(put(patient(id="1")), put(patient(id="2", gender="nonsense")))
    assert error.status == 400
    assert error.issues[0].expression == "Bundle.entry[1].resource.gender"
    assert fhir.log_length() == 0


def test_conditional_urls_in_a_transaction(fhir: Fhir) -> None:
    (found,) = fhir.transaction(entry("PUT", "Patient?identifier=urn:x|1", patient(active=True)))
    assert found["response"]["status"].startswith("201")


def test_history_of_type_and_system(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1"), weight("a", 70, "kg"))
    fhir("DELETE", "Patient/1")
    of_type, of_system = fhir.read("Patient/_history"), fhir.read("_history")
    assert [each["request"]["method"] for each in of_type["entry"]] == ["DELETE", "PUT"]
    assert [each["request"]["url"] for each in of_system["entry"]] == [
        "Patient/1",
        "Observation/a",
        "Patient/1",
    ]


def test_errors_say_where_and_what_was_wanted(fhir: Fhir) -> None:
    error = fhir.refused("POST", "Patient", patient(gendre="male"))
    (issue,) = error.issues
    assert issue.expression == "Patient"
    assert "gendre" in issue.diagnostics and "gender" in issue.diagnostics
    assert "Traceback" not in issue.diagnostics
    assert BASE not in issue.diagnostics


def test_an_update_that_changes_nothing_is_no_version(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1"), patient(id="1"))
    assert fhir.log_length() == 1


def test_creates_of_many_clients_with_one_condition(fhir: Fhir) -> None:
    created = patient(identifier=[{"system": "urn:x", "value": "1"}])

    def ask() -> Request:
        return Request("POST", "Patient", resource=created, if_none_exist="identifier=urn:x|1", base_url=BASE)

    found = fhir.together(ask() for _ in range(20))
    assert sorted(each.status for each in found) == [200] * 19 + [201]
    assert fhir.total("Patient") == 1


def test_patch(fhir: Fhir) -> None:
    put_all(fhir, patient(id="1", gender="male"))
    patch = [{"op": "replace", "path": "/gender", "value": "female"}]
    fhir("PATCH", "Patient/1", patch=patch, body_type="application/json-patch+json")
    assert fhir.read("Patient/1")["gender"] == "female"


def test_a_batch_entry_that_fails_stands_alone(fhir: Fhir) -> None:
    found = fhir.batch(
        put(patient(id="1")), put(patient(id="2", gender="nonsense")), entry("GET", "Patient/1")
    )
    assert [each["response"]["status"][:3] for each in found] == ["201", "400", "200"]
    assert found[2]["resource"]["id"] == "1"
