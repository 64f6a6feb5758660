import pytest

from fhir_server.config import Settings
from tests.rest.calling import ask, understood


def test_read() -> None:
    request = understood("GET", "/fhir/Patient/1")
    assert (request.method, request.resource_type, request.id) == ("GET", "Patient", "1")
    assert request.base_url == "http://test/fhir"


def test_vread() -> None:
    request = understood("GET", "/fhir/Patient/1/_history/2")
    assert (request.history, request.version_id) == (True, "2")


@pytest.mark.parametrize("target", ["/fhir", "/fhir/", "/fhir?_type=Patient"])
def test_the_base_itself(target: str) -> None:
    assert understood("GET", target).resource_type is None


def test_parameters_are_decoded_in_their_order() -> None:
    request = understood("GET", "/fhir/Patient?name=%E5%BC%A0+%E4%B8%89&name:exact=a%2Bb&_count=1&&flag")
    assert request.parameters == [("name", "张 三"), ("name:exact", "a+b"), ("_count", "1"), ("flag", "")]


def test_a_query_in_plain_utf_8_is_read() -> None:
    assert understood("GET", "/fhir/Patient?name=张".encode()).parameters == [("name", "张")]


def test_the_base_url_of_the_settings_wins_over_any_host() -> None:
    settings = Settings(base_url="https://hie.example.cn/r4")
    request = understood("GET", "/fhir/Patient/1", [("host", "a b")], settings=settings)
    assert request.base_url == "https://hie.example.cn/r4"


@pytest.mark.parametrize(
    "target",
    [
        "/fhir//Patient", "/fhir/Patient//1", "/fhir//", "/fhir/Patient%2f1", "/fhir/Patient/a%2Fb",
        "/fhir/Patient/..;/1", "/fhir/..;/metadata", "/fhir/Patient/1;v=2", "/fhir/Patient/%00", "/fhir/%00",
        "/fhir/Patient/%0a", "/fhir/Patient/%c0%af", "/fhir/Patient/%zz", b"/fhir/Patient/\xd5\xc5",
    ],
)  # fmt: skip
def test_I08_paths_that_are_none_are_404(target: str | bytes) -> None:
    answer = ask("GET", target)
    assert (answer.status, answer.code) == (404, "not-found")


@pytest.mark.parametrize("value", ["%00", "a%00b", "%zz", "%", "%4", "%c0%af", "%e5%bc", "%ff"])
def test_E13_a_query_that_is_not_percent_encoded_utf_8_is_400(value: str) -> None:
    answer = ask("GET", f"/fhir/Patient?name={value}")
    assert (answer.status, answer.code) == (400, "value")


def test_E13_a_query_of_bytes_that_are_not_utf_8_is_400() -> None:
    answer = ask("GET", b"/fhir/Patient?name=\xd5\xc5")
    assert (answer.status, answer.code) == (400, "value")


@pytest.mark.parametrize("host", ["", "a b", "evil.example/x", "a@b", "[::1", "h:123456", '"'])
def test_a_host_that_is_none_is_400(host: str) -> None:
    answer = ask("GET", "/fhir/Patient/1", [("host", host)])
    assert (answer.status, answer.code) == (400, "invalid")


def test_forwarded_headers_change_no_url() -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "Forwarded": "host=evil"}
    assert understood("GET", "/fhir/Patient/1", headers).base_url == "http://test/fhir"


LOCAL = Settings(open=True)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"])
def test_without_authentication_names_of_this_machine_are_answered(host: str) -> None:
    request = understood("GET", "/fhir/Patient/1", [("host", host)], settings=LOCAL)
    assert request.base_url == f"http://{host}/fhir"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1"])
def test_without_authentication_other_names_are_403(host: str) -> None:
    """As a page that has given its name our address would send them."""
    answer = ask("GET", "/fhir/Patient/1", [("host", host)], settings=LOCAL)
    assert (answer.status, answer.code) == (403, "forbidden")


def test_without_authentication_the_name_of_the_base_url_is_answered_too() -> None:
    settings = Settings(open=True, base_url="https://demo.example.cn/fhir")
    assert ask("GET", "/fhir/Patient/1", [("host", "demo.example.cn")], settings=settings).status == 200
    assert ask("GET", "/fhir/Patient/1", [("host", "evil.example")], settings=settings).status == 403
