"""https://hl7.org/fhir/R4/http.html#history"""

from urllib.parse import urlsplit

import pytest

from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import Request, Response
from fhir_server.resource import Resource
from tests.interactions.fhir import BASE, Fhir, codes, content, instant, patient, request


def life(fhir: Fhir) -> None:
    """Patient/1 is created at second 1, updated, deleted, patched back; Basic/1 is created at second 5."""
    fhir("PUT", "Patient/1", patient(id="1", active=True))
    fhir("PUT", "Patient/1", patient(id="1", active=False))
    fhir("DELETE", "Patient/1")
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("POST", "Basic", {"resourceType": "Basic", "code": {"text": "x"}})


def versions(found: Resource) -> list[str]:
    """`Patient/1/2` for each entry."""
    return [
        each["fullUrl"].removeprefix(f"{BASE}/") + "/" + each["response"]["etag"].strip('W/"')
        for each in found.get("entry", [])
    ]


def link(found: Resource, relation: str) -> str | None:
    """The URL of a link, relative to the base."""
    urls = [each["url"] for each in found["link"] if each["relation"] == relation]
    return urls[0].removeprefix(f"{BASE}/") if urls else None


def pages(fhir: Fhir, url: str | None) -> list[str]:
    found = []
    while url is not None:
        page = fhir.read(url)
        found += versions(page)
        url = link(page, "next")
    return found


def test_history_of_a_resource_newest_first(fhir: Fhir) -> None:
    life(fhir)
    found = fhir.read("Patient/1/_history")
    assert (found["type"], found["total"]) == ("history", 4)
    assert versions(found) == ["Patient/1/4", "Patient/1/3", "Patient/1/2", "Patient/1/1"]


def test_each_entry_tells_what_was_done(fhir: Fhir) -> None:
    life(fhir)
    fhir("PATCH", "Patient/1", patch=[{"op": "add", "path": "/active", "value": True}])
    patched, _, deleted, _, created = fhir.read("Patient/1/_history")["entry"]
    assert created == {
        "fullUrl": f"{BASE}/Patient/1",
        "resource": fhir.read("Patient/1/_history/1"),
        "request": {"method": "PUT", "url": "Patient/1"},
        "response": {"status": "201 Created", "etag": 'W/"1"', "lastModified": instant(1)},
    }
    assert deleted == {
        "fullUrl": f"{BASE}/Patient/1",
        "request": {"method": "DELETE", "url": "Patient/1"},
        "response": {"status": "204 No Content", "etag": 'W/"3"', "lastModified": instant(3)},
    }
    assert patched["request"] == {"method": "PATCH", "url": "Patient/1"}
    assert fhir.read("Basic/_history")["entry"][0]["request"] == {"method": "POST", "url": "Basic"}


def test_history_of_a_type(fhir: Fhir) -> None:
    life(fhir)
    assert versions(fhir.read("Basic/_history")) == ["Basic/new-1/1"]
    assert len(versions(fhir.read("Patient/_history"))) == 4
    assert versions(fhir.read("Group/_history")) == []


def test_history_of_the_system(fhir: Fhir) -> None:
    life(fhir)
    assert versions(fhir.read("_history"))[:2] == ["Basic/new-1/1", "Patient/1/4"]
    assert len(versions(fhir.read("_history"))) == 5


def test_E19_the_log_is_not_counted_for_a_page_of_it(fhir: Fhir) -> None:
    life(fhir)
    assert "total" not in fhir.read("_history")
    assert "total" not in fhir.read("Patient/_history")


@pytest.mark.parametrize("query", ["_count=0", "_summary=count"])
def test_the_count_alone(fhir: Fhir, query: str) -> None:
    life(fhir)
    found = fhir.read(f"_history?{query}")
    assert found["total"] == 5
    assert "entry" not in found


def test_404_for_the_history_of_an_unknown_id(fhir: Fhir) -> None:
    assert codes(fhir.refused("GET", "Patient/1/_history")) == (404, "not-found")


def test_head_is_answered_alike(fhir: Fhir) -> None:
    life(fhir)
    assert versions(content(fhir("HEAD", "Patient/1/_history"))) == versions(fhir.read("Patient/1/_history"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"_since={instant(3)}", "543"),
        (f"_since={instant(6)}", ""),
        ("_since=2026-11-23T08:00:03+08:00", "543"),
        (f"_before={instant(3)}", "21"),
        (f"_since={instant(2)}&_before={instant(4)}", "32"),
        (f"_at={instant(2)}", "2"),
        ("_at=2026-11-23T00:00:02.5Z", "2"),
        (f"_at={instant(0)}", ""),
        (f"_at={instant(60)}", "54"),
        ("_at=2026-11-23", "54321"),
        ("_at=2026-11-23T08:00", "54321"),
        ("_at=2026-11-24", "54"),
        ("_at=2026-11-22", ""),
        ("_since=2026-11-23", "54321"),
        ("_before=2026-11-23", ""),
    ],
)
def test_parameters_select_by_time(fhir: Fhir, query: str, found: str) -> None:
    life(fhir)
    entries = fhir.read(f"_history?{query}").get("entry", [])
    times = [each["response"]["lastModified"] for each in entries]
    assert times == [instant(int(second)) for second in found]


@pytest.mark.parametrize(
    "query", ["_since=yesterday", "_since=2024-02-30", "_at=", "_before=now", "_count=-1", "_count=abc",
              "_count=1.5", "_count=", "_count=1&_count=2", "_cursor=1", "_cursor=0-0", "_cursor=a-b"]
)  # fmt: skip
def test_a_parameter_with_a_bad_value(fhir: Fhir, query: str) -> None:
    assert codes(fhir.refused("GET", f"_history?{query}")) == (400, "value")


def test_an_unknown_parameter(fhir: Fhir) -> None:
    error = fhir.refused("GET", "_history?_sinse=2024")
    assert codes(error) == (400, "not-supported")
    assert "did you mean _since?" in error.issues[0].diagnostics
    assert fhir("GET", "_history?_sinse=2024", strict=False).status == 200


def test_a_count_above_the_limit_is_cut_and_said_so(fhir: Fhir) -> None:
    life(fhir)
    fhir.settings(page_size_limit=3)
    found = fhir.read("_history?_count=1000000000")
    assert len(found["entry"]) == 3
    assert link(found, "self") == "_history?_count=3"


@pytest.mark.parametrize("url", ["_history", "Patient/_history", "Patient/1/_history"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_pages_together_are_the_whole(fhir: Fhir, url: str, count: int) -> None:
    life(fhir)
    assert pages(fhir, f"{url}?_count={count}") == versions(fhir.read(url))


def test_links_keep_how_the_answer_looks(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", active=True, gender="male"))
    fhir("PUT", "Patient/1", patient(id="1", active=False, gender="male"))
    page = fhir.read("_history?_count=1&_elements=active")
    assert link(page, "self") == "_history?_elements=active&_count=1"
    (entry,) = fhir.read(str(link(page, "next")))["entry"]
    assert entry["resource"].keys() == {"resourceType", "id", "meta", "active"}


def test_links_keep_the_parameters(fhir: Fhir) -> None:
    life(fhir)
    page = fhir.read("_history?_count=1&_since=2026-11-23T08:00:02%2B08:00")
    next_url = link(page, "next")
    assert next_url is not None
    assert "_since=2026-11-23T08%3A00%3A02%2B08%3A00" in urlsplit(next_url).query
    assert len(pages(fhir, next_url)) == 3


def test_the_total_of_later_pages_is_that_of_the_first(fhir: Fhir) -> None:
    life(fhir)
    next_url = link(fhir.read("Patient/1/_history?_count=2"), "next")
    fhir("PUT", "Patient/1", patient(id="1", language="de"))
    assert next_url is not None
    assert fhir.read(next_url)["total"] == 4


def test_D19_each_version_is_on_one_page_while_others_write(fhir: Fhir) -> None:
    for number in range(60):
        fhir(
            "PUT",
            f"Basic/{number % 7}",
            {"resourceType": "Basic", "id": str(number % 7), "code": {"text": f"{number}"}},
        )
    before = versions(fhir.read("_history?_count=1000"))
    found: list[str] = []
    url: str | None = "_history?_count=7"
    number = 60
    while url is not None:
        writes = [
            request(
                "PUT",
                f"Basic/{each}",
                {"resourceType": "Basic", "id": str(each), "code": {"text": f"n{number}"}},
            )
            for each in range(8)
        ]
        number += 1
        path, _, query = url.partition("?")
        answers = fhir.together([*writes[:4], request("GET", f"{path}?{query}"), *writes[4:]])
        page = next(each for each in answers if isinstance(each, Response) and each.body is not None)
        found += versions(content(page))
        url = link(content(page), "next")
    assert len(found) == len(set(found))
    # what the first page shows depends on the race; from there on nothing is missing
    assert [each for each in found if each in set(before)] == before


def test_parts_of_resources(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", birthDate="2000", gender="male"))
    fhir("DELETE", "Patient/1")
    deleted, created = fhir.read("Patient/1/_history?_elements=gender")["entry"]
    assert "resource" not in deleted
    assert created["resource"]["gender"] == "male"
    assert "birthDate" not in created["resource"]


def test_the_base_may_be_any_url(fhir: Fhir) -> None:
    life(fhir)
    made = Request("GET", history=True, base_url='http://[::1]:8000/f"h')
    answer = fhir.run(perform(fhir.context, made))
    assert versions(content(answer))[0].endswith("Basic/new-1/1")
