import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions import npm
from fhir_server.definitions.npm import configured_registry, fetch, parse_specifier
from fhir_server.outcome import DefinitionError
from tests.definitions.npm_registry import Registry, running

BODY = b"the bytes of a package"
SHA512 = "sha512-" + base64.b64encode(hashlib.sha512(BODY).digest()).decode()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running() as found:
        yield found


def test_a_package_is_fetched_once(registry: Registry, tmp_path: Path) -> None:
    registry.give(integrity=SHA512)
    for _ in range(2):
        file = fetch("org.example", "1.0.0", tmp_path / "packages", registry.address)
        assert file.read_bytes() == BODY
    assert registry.asked == ["/org.example", "/-/org.example.tgz"]
    assert [path.name for path in (tmp_path / "packages").iterdir()] == ["org.example-1.0.0.tgz"]


def test_a_scoped_name_is_one_part_of_the_path(registry: Registry, tmp_path: Path) -> None:
    registry.give("@scope/name", integrity=SHA512)
    assert fetch("@scope/name", "1.0.0", tmp_path, registry.address).name == "@scope+name-1.0.0.tgz"


@pytest.mark.parametrize(
    ("dist", "text"),
    [
        ({"integrity": SHA512, "body": b"other"}, "have not the sha512 hash"),
        ({"integrity": f"sha1-AAAA {SHA512}", "body": b"other"}, "have not the sha512 hash"),
        ({"shasum": "00"}, "have not the sha1 hash"),
        ({}, "gives no hash"),
        ({"integrity": "md5-AAAA"}, "gives no hash"),
        ({"integrity": "sha512-*"}, "hash that cannot be read"),
        ({"integrity": SHA512, "tarball": "file:///etc/passwd"}, "gives 'file:///etc/passwd'"),
    ],
)
def test_other_bytes_than_the_hash_says_are_refused(
    registry: Registry, tmp_path: Path, dist: dict[str, Any], text: str
) -> None:
    registry.give(**dist)
    with pytest.raises(DefinitionError, match=text):
        fetch("org.example", "1.0.0", tmp_path, registry.address)
    assert list(tmp_path.iterdir()) == []


def test_the_older_hash_counts_where_there_is_no_other(registry: Registry, tmp_path: Path) -> None:
    registry.give(shasum=hashlib.sha1(BODY).hexdigest())
    assert fetch("org.example", "1.0.0", tmp_path, registry.address).read_bytes() == BODY


def test_a_version_that_is_not_there_is_refused_with_those_that_are(
    registry: Registry, tmp_path: Path
) -> None:
    registry.give(integrity=SHA512)
    with pytest.raises(DefinitionError, match=r"org\.example in 1\.0\.0, not in 2\.0\.0"):
        fetch("org.example", "2.0.0", tmp_path, registry.address)


def test_a_name_that_is_not_there_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"the registry answers 404 for org\.example"):
        fetch("org.example", "1.0.0", tmp_path, registry.address)


@pytest.mark.parametrize(
    "answer", [b"{", b"[]", b"{}", b'{"versions":{"1.0.0":{"dist":7}}}', b'{"versions":7}']
)
def test_an_answer_that_is_not_npms_is_refused(registry: Registry, tmp_path: Path, answer: bytes) -> None:
    registry.answers["/org.example"] = answer
    with pytest.raises(DefinitionError, match="not one of npm's"):
        fetch("org.example", "1.0.0", tmp_path, registry.address)


def test_a_package_without_end_is_refused(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.give(integrity=SHA512, body=bytes(2000))
    monkeypatch.setattr(npm, "DOWNLOAD_LIMIT_BYTES", 1000)
    with pytest.raises(DefinitionError, match="is larger than 1000 bytes"):
        fetch("org.example", "1.0.0", tmp_path, registry.address)


def test_a_registry_that_is_not_there(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be reached"):
        fetch("org.example", "1.0.0", tmp_path, "http://127.0.0.1:1")


def test_specifiers() -> None:
    assert parse_specifier("hl7.fhir.uv.ips@1.1.0") == ("hl7.fhir.uv.ips", "1.1.0")
    assert parse_specifier("@a/b@1.0.0-ballot") == ("@a/b", "1.0.0-ballot")
    for text in ("hl7.fhir.uv.ips", "../x@1", "a@", "a/b@1", "a@1/2", "a@../1", "@a@1", "a b@1"):
        with pytest.raises(DefinitionError, match="neither a package file or folder nor NAME@VERSION"):
            parse_specifier(text)


def test_the_registry_is_that_of_the_setting_then_of_npm(tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    for path in (home, here):
        path.mkdir()
    environment = {"HOME": str(home)}
    with pytest.raises(DefinitionError, match="no npm registry is configured"):
        configured_registry(None, environment, here)
    (home / ".npmrc").write_text("fund=false\nregistry = http://home.example/\n")
    assert configured_registry(None, environment, here) == "http://home.example"
    (here / ".npmrc").write_text('registry="http://here.example"')
    assert configured_registry(None, environment, here) == "http://here.example"
    environment["npm_config_registry"] = "https://environment.example"
    assert configured_registry(None, environment, here) == "https://environment.example"
    assert configured_registry("https://setting.example", environment, here) == "https://setting.example"


def test_a_registry_is_a_web_address() -> None:
    with pytest.raises(DefinitionError, match="not an http or https URL"):
        configured_registry("file:///tmp")
