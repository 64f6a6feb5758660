"""Another terminology server, played by this one's own operations and by one that is away."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode, encode
from fhir_server.terminology import remote
from fhir_server.terminology.remote import Answer, HttpSend, RemoteServer
from fhir_server.terminology.terminology import Terminology
from tests.terminology.memory import URL, Memory, code_system, concept, run, value_set

BASE = "http://tx.example.org/fhir"
SNOMED = "http://snomed.info/sct"
CODES = {"1": "Disease", "2": "Pneumonia", "3": "Fracture"}  # 2 and 3 are below 1


class Far:
    """A terminology server that knows three codes; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Resource | None]] = []
        self.failing: Callable[[], Answer] | None = None
        self.hangs = False

    async def __call__(self, method: str, url: str, body: bytes | None) -> Answer:
        self.asked.append((method, url, None if body is None else decode(body)))
        if self.hangs:
            await asyncio.Event().wait()
        if self.failing is not None:
            return self.failing()
        found = self._answer(
            urlsplit(url).path.removeprefix("/fhir/"), dict(parse_qsl(urlsplit(url).query)), body
        )
        return Answer(404, b"{}") if found is None else Answer(200, encode(found))

    def _answer(self, path: str, asked: dict[str, str], body: bytes | None) -> Resource | None:
        if path == "CodeSystem":
            entry = [{"resource": {"resourceType": "CodeSystem", "version": "2026"}}]
            return {"resourceType": "Bundle"} | ({"entry": entry} if asked["url"] == SNOMED else {})
        if path == "CodeSystem/$lookup":
            return _lookup(asked["code"]) if asked["code"] in CODES else None
        if path == "CodeSystem/$subsumes":
            below = asked["codeA"] == "1" and asked["codeB"] in ("2", "3")
            return _outs(outcome={"valueCode": "subsumes" if below else "not-subsumed"})
        assert body is not None
        given = {each["name"]: each for each in decode(body)["parameter"]}
        (include,) = given["valueSet"]["resource"]["compose"]["include"]
        codes = _selected(include)
        if path == "ValueSet/$validate-code":
            return _outs(result={"valueBoolean": given["code"]["valueCode"] in codes})
        text = given.get("filter", {}).get("valueString", "")
        codes = [code for code in codes if text.lower() in CODES[code].lower()]
        offset = given["offset"]["valueInteger"]
        page = codes[offset : offset + given["count"]["valueInteger"]]
        contains = [{"system": SNOMED, "code": code, "display": CODES[code]} for code in page]
        return {"resourceType": "ValueSet", "expansion": {"total": len(codes), "contains": contains}}


def _selected(include: Resource) -> list[str]:
    for each in include.get("filter", ()):
        if each["op"] == "is-a":
            return [*CODES] if each["value"] == "1" else [each["value"]]
        if each["op"] == "generalizes":
            return ["1", each["value"]]
    return [*CODES]


def _outs(**values: dict[str, Any]) -> Resource:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name} | value for name, value in values.items()],
    }


def _lookup(code: str) -> Resource:
    found = _outs(display={"valueString": CODES[code]})
    for name, value in (("parent", "1"), ("inactive", code == "3")):
        type_ = "valueBoolean" if isinstance(value, bool) else "valueCode"
        parts = [{"name": "code", "valueCode": name}, {"name": "value", type_: value}]
        found["parameter"].append({"name": "property", "part": parts})
    parts = [{"name": "language", "valueCode": "zh"}, {"name": "value", "valueString": "病"}]
    found["parameter"].append({"name": "designation", "part": parts})
    return found


class Time:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def server(far: Far, time: Time | None = None, **more: Any) -> RemoteServer:
    return RemoteServer(BASE, far, **{"timeout_s": 30.0, "cached_s": 60.0} | more, now=time or Time())


def terminology(far: Far, *resources: Resource, time: Time | None = None, **more: Any) -> Terminology:
    return Terminology(Memory(resources), remote=server(far, time, **more))


def test_codes_of_a_code_system_that_is_elsewhere() -> None:
    async def ask() -> None:
        found = await (await terminology(Far()).snapshot()).require_code_system(SNOMED)
        pneumonia = await found.concept("2")
        assert pneumonia is not None and pneumonia.display == "Pneumonia"
        assert [each.value for each in pneumonia.designations] == ["病"]
        assert (await found.concepts(["2", "3", "9"])).keys() == {"2", "3"}
        fracture = await found.concept("3")
        assert fracture is not None and fracture.inactive
        assert await found.concept("9") is None
        assert await found.subsumes("1", "2") and not await found.subsumes("2", "1")
        assert [*await found.parents("2")] == ["1"]
        assert await found.above("2") == {"1"} and await found.below("1") == {"2", "3"}
        assert found.about.version == "2026"

    run(ask())


DISEASES = value_set(
    "diseases", {"system": SNOMED, "filter": [{"property": "concept", "op": "is-a", "value": "1"}]}
)


def test_value_sets_with_its_codes() -> None:
    far = Far()
    found = terminology(far, DISEASES, code_system("mine", concept("a")))
    assert run(found.codes(URL + "diseases")) == {(SNOMED, code) for code in CODES}
    assert run(found.contains(URL + "diseases", SNOMED, "2"))
    assert not run(found.contains(URL + "diseases", SNOMED, "9"))
    assert run(found.related(SNOMED, "1", up=False)) == {"1", "2", "3"}


def test_only_codes_and_definitions_are_sent() -> None:
    far = Far()
    run(terminology(far, DISEASES).contains(URL + "diseases", SNOMED, "2"))
    for _, url, body in far.asked:
        assert dict(parse_qsl(urlsplit(url).query)).keys() <= {"url", "_elements", "_count", "system", "code"}
        if body is not None:
            assert {each["name"] for each in body["parameter"]} <= {"valueSet", "system", "code"}


def test_what_is_here_is_not_asked_for() -> None:
    far = Far()
    found = terminology(far, code_system("mine", concept("a")), value_set("vs", {"system": URL + "mine"}))
    assert run(found.codes(URL + "vs")) == {(URL + "mine", "a")}
    assert far.asked == []


def test_a_code_system_that_is_nowhere() -> None:
    with pytest.raises(FhirError, match=r"there is no CodeSystem http://nowhere.org"):
        run(terminology(Far()).related("http://nowhere.org", "a", up=True))


def test_answers_are_kept_for_a_while() -> None:
    far, time = Far(), Time()
    found = terminology(far, DISEASES, time=time)
    assert run(found.contains(URL + "diseases", SNOMED, "2"))
    asked = len(far.asked)
    time.s = 59
    assert run(found.contains(URL + "diseases", SNOMED, "2"))
    assert len(far.asked) == asked
    time.s = 61
    assert run(found.contains(URL + "diseases", SNOMED, "2"))
    assert len(far.asked) > asked


def _refused() -> Answer:
    raise ConnectionRefusedError("nobody listens")


@pytest.mark.parametrize(
    ("failing", "why"),
    [
        (_refused, "nobody listens"),
        (lambda: Answer(502, b""), "it answers with status 502"),
        (lambda: Answer(401, b""), "it answers with status 401"),
        (lambda: Answer(200, b"<html>"), "it answers with something that is no FHIR resource in JSON"),
        (lambda: Answer(200, b"[]"), "it answers with something that is no FHIR resource in JSON"),
    ],
)
def test_a_server_that_is_away_is_named_and_left_alone(failing: Callable[[], Answer], why: str) -> None:
    far, time = Far(), Time()
    far.failing = failing
    found = terminology(far, time=time)
    for _ in range(3):
        with pytest.raises(FhirError) as caught:
            run(found.related(SNOMED, "1", up=True))
        assert str(caught.value) == f"the terminology server {BASE} is away: {why}"
        assert (caught.value.status, caught.value.issues[0].code) == (503, "transient")
        assert caught.value.headers == {"Retry-After": "10"}
    assert len(far.asked) == 1
    far.failing, time.s = None, 11
    assert run(found.related(SNOMED, "2", up=True)) == {"1", "2"}


def test_a_server_that_hangs_is_not_waited_for() -> None:
    far = Far()
    far.hangs = True
    with pytest.raises(FhirError, match=r"is away: no answer within 0.01 s"):
        run(terminology(far, timeout_s=0.01).related(SNOMED, "1", up=True))


async def _serve(answer: bytes) -> tuple[asyncio.Server, str]:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"content-length" in head.lower():
            await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    served = await asyncio.start_server(respond, "127.0.0.1", 0)
    return served, f"http://127.0.0.1:{served.sockets[0].getsockname()[1]}/fhir"


def test_over_http() -> None:
    async def ask() -> None:
        body = b'{"resourceType":"Parameters"}'
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        served, url = await _serve(head + body)
        send = HttpSend(30)
        async with served:
            assert await send("GET", url, None) == Answer(200, body)
            assert await send("POST", url, b"{}") == Answer(200, body)
        await send.close()

    run(ask())


@pytest.mark.parametrize("answer", [b"", b"no http at all\r\n\r\n"])
def test_over_http_nothing_that_can_be_read(answer: bytes) -> None:
    async def ask() -> None:
        served, url = await _serve(answer)
        send = HttpSend(30)
        async with served:
            with pytest.raises(OSError):
                await send("GET", url, None)
        await send.close()
        with pytest.raises(OSError):  # nobody listens any more
            await HttpSend(30)("GET", url, None)

    run(ask())


def test_an_answer_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "RESPONSE_BYTES_LIMIT", 1 << 20)

    async def ask() -> None:
        served, url = await _serve(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (2 << 20))
        send = HttpSend(30)
        async with served:
            with pytest.raises(OSError, match="an answer of more than 1 MiB"):
                await send("GET", url, None)
        await send.close()

    run(ask())
