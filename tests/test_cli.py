import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import apsw
import httpx
import pytest
from click.testing import CliRunner, Result

from fhir_server import __version__
from fhir_server.cli import is_loopback, main

DEADLINE_S = 60
FHIR_JSON = {"Content-Type": "application/fhir+json"}


@pytest.fixture(autouse=True)
def no_settings_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FHIR_SERVER_"):
            monkeypatch.delenv(name)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_version() -> None:
    assert run("version").output == f"fhir-server {__version__}, FHIR R4 (4.0.1)\n"
    assert __version__ in run("--version").output


def test_help_names_every_command() -> None:
    text = run("--help").output
    for command in ("serve", "load", "demo", "packages", "doctor", "backup", "restore", "version"):
        assert f"  {command} " in text


def test_serve_refuses_without_open(tmp_path: Path) -> None:
    found = run("serve", "--data", tmp_path / "data")
    assert found.exit_code == 2
    assert "access control is not built yet" in found.stderr and "--open" in found.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "hospital.example.cn"])
def test_open_is_for_this_machine_only(host: str) -> None:
    found = run("serve", "--open", "--host", host)
    assert found.exit_code == 2
    assert "loopback" in found.stderr and host in found.stderr


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("10.0.0.1", "localhost.example", "")))


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--workers", "0"), ("--store", "dbase")])
def test_a_flag_out_of_range_is_refused(arguments: tuple[str, str]) -> None:
    found = run("serve", "--open", *arguments)
    assert found.exit_code == 2
    assert arguments[0] in found.stderr


def test_a_setting_that_is_not_allowed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("port = 'x'\n")
    found = run("serve", "--open", "--config", file)
    assert found.exit_code == 2
    assert f'port is "x" in {file}' in found.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        found = run("serve", "--open", "--port", port, "--data", tmp_path / "other")
    assert found.exit_code == 1
    assert f"port {port}" in found.stderr


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[int]:
    """A server in a process of its own, on a free port; ends it, and looks that it ends well."""
    command = [sys.executable, "-m", "fhir_server.cli", "serve", "--open", "--port", "0"]
    command += ["--data", str(folder / "data"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().decode()
            while " answers at " not in line:
                assert line, process.communicate(timeout=DEADLINE_S)
                line = process.stdout.readline().decode()
            yield httpx.URL(line.split()[-1]).port or 0
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


def ask(port: int, path: str, method: str = "GET", **given: object) -> httpx.Response:
    return httpx.request(method, f"http://127.0.0.1:{port}{path}", timeout=DEADLINE_S, **given)  # type: ignore[arg-type]


def test_serve_answers_and_says_that_it_is_open(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        assert ask(port, "/ready").status_code == 200
        assert ask(port, "/fhir/metadata").json()["fhirVersion"] == "4.0.1"


def test_workers_share_one_store(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as port:
        for number in range(20):
            body = {"resourceType": "Patient", "id": str(number)}
            assert ask(port, f"/fhir/Patient/{number}", "PUT", json=body).status_code == 201
            assert ask(port, f"/fhir/Patient/{number}").status_code == 200
        assert ask(port, "/fhir/Patient?_summary=count").json()["total"] == 20


def test_demo_is_loaded_once(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as port:
        total = ask(port, "/fhir/Organization?_summary=count").json()["total"]
    assert total > 50
    with serving(tmp_path, "--demo") as port:
        assert ask(port, "/fhir/Organization?_summary=count").json()["total"] == total
    assert run("demo", "load", "--data", tmp_path / "data").output == (
        "the demonstration network A is there already\n"
    )


def patients(folder: Path, *resources: object) -> Path:
    file = folder / "patients.ndjson"
    file.write_text("".join(json.dumps(resource) + "\n" for resource in resources))
    return file


def test_load_tells_what_it_did(tmp_path: Path) -> None:
    file = patients(tmp_path, {"resourceType": "Patient", "id": "1"}, {"resourceType": "Patient", "id": "2"})
    found = run("load", "--data", tmp_path / "data", file)
    assert (found.exit_code, found.stdout) == (0, "2 resources loaded from 1 files, 0 failed\n")


def test_load_tells_what_failed_and_why(tmp_path: Path) -> None:
    wrong = {"resourceType": "Patient", "gendr": "x"}
    file = patients(tmp_path, {"resourceType": "Patient", "id": "1"}, wrong)
    failures = tmp_path / "failures.ndjson"
    found = run("load", "--data", tmp_path / "data", "--failures", failures, file)
    assert (found.exit_code, found.stdout) == (1, "1 resources loaded from 1 files, 1 failed\n")
    assert "patients.ndjson, line 2: " in found.stderr and "gendr" in found.stderr
    (failure,) = map(json.loads, failures.read_text().splitlines())
    assert failure["outcome"]["resourceType"] == "OperationOutcome"


def test_load_refuses_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "patients.xls"
    file.write_text("")
    found = run("load", "--data", tmp_path / "data", file)
    assert found.exit_code == 2
    assert "patients.xls is none of" in found.stderr


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = run("load", "--data", tmp_path / "file", patients(tmp_path))
    assert found.exit_code == 1
    assert str(tmp_path / "file") in found.stderr


def package(folder: Path, name: str = "example.fhir") -> Path:
    definition = {
        "resourceType": "ValueSet", "id": "colours", "url": "http://example.org/ValueSet/colours",
        "status": "active",
    }  # fmt: skip
    file = folder / "package.tgz"
    with tarfile.open(file, "w:gz") as archive:
        for path, content in (
            ("package/package.json", {"name": name, "version": "1.0.0"}),
            ("package/ValueSet-colours.json", definition),
        ):
            body = json.dumps(content).encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(body)
            archive.addfile(entry, BytesIO(body))
    return file


def test_packages_are_added_listed_and_served(tmp_path: Path) -> None:
    data = tmp_path / "data"
    found = run("packages", "add", "--data", data, package(tmp_path))
    assert (found.exit_code, found.output) == (0, "example.fhir 1.0.0: 1 definitions added\n")
    assert run("packages", "list", "--data", data).output == "example.fhir 1.0.0\n"
    with serving(tmp_path) as port:
        assert ask(port, "/fhir/ValueSet/colours").status_code == 200


def test_packages_of_the_settings_are_there_when_the_server_starts(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"packages = ['{package(tmp_path).as_posix()}']\n")
    with serving(tmp_path, "--config", str(file)) as port:
        assert ask(port, "/fhir/ValueSet/colours").status_code == 200


@pytest.mark.parametrize("source", ["absent.tgz", "no-version"])
def test_a_package_that_is_none_is_named(tmp_path: Path, source: str) -> None:
    found = run("packages", "add", "--data", tmp_path / "data", source)
    assert found.exit_code == 1
    assert source in found.stderr


def transaction(marker: str) -> bytes:
    """Five resources with one tag, which all of them have or none."""
    tag = [{"system": "http://example.org", "code": marker}]
    entries = [
        {
            "resource": {"resourceType": "Basic", "code": {"text": "a"}, "meta": {"tag": tag}},
            "request": {"method": "POST", "url": "Basic"},
        }
        for _ in range(5)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return json.dumps(bundle).encode()


def test_I11_clients_that_hang_up_in_the_middle_of_a_transaction_leave_all_of_it_or_nothing(
    tmp_path: Path,
) -> None:
    head = "POST /fhir HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/json\r\nContent-Length: {}\r\n\r\n"
    count = 100
    with serving(tmp_path) as port:
        for number in range(count):
            body = transaction(str(number))
            # some before their body is whole, some when it is
            sent = body if number % 2 else body[: len(body) * number // count]
            with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as connection:
                connection.sendall(head.format(len(body)).encode() + sent)
        assert ask(port, "/fhir", "POST", content=transaction("last"), headers=FHIR_JSON).status_code == 200
        totals = {
            number: ask(port, f"/fhir/Basic?_tag=http://example.org|{number}&_summary=count").json()["total"]
            for number in range(count)
        }
    assert set(totals.values()) <= {0, 5}
    assert all(totals[number] == 0 for number in range(0, count, 2))


def test_a_backup_is_made_while_the_server_runs_and_can_be_restored(tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    with serving(tmp_path) as port:
        ask(port, "/fhir/Patient/1", "PUT", json={"resourceType": "Patient", "id": "1"})
        made = run("backup", "--data", tmp_path / "data", file)
        ask(port, "/fhir/Patient/1", "DELETE")
        refused = run("restore", "--data", tmp_path / "data", "--overwrite", file)
    assert made.exit_code == 0 and str(file) in made.stdout
    assert refused.exit_code == 1 and "stop the server first" in refused.stderr
    kept = run("restore", "--data", tmp_path / "data", file)
    assert kept.exit_code == 1 and "there already" in kept.stderr
    assert run("restore", "--data", tmp_path / "data", "--overwrite", file).exit_code == 0
    with serving(tmp_path) as port:
        assert ask(port, "/fhir/Patient/1").status_code == 200


def test_a_backup_replaces_no_file(tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    file.write_text("precious")
    run("load", "--data", tmp_path / "data", patients(tmp_path))
    found = run("backup", "--data", tmp_path / "data", file)
    assert found.exit_code == 1 and "there already" in found.stderr
    assert file.read_text() == "precious"


def test_a_backup_restores_into_an_empty_folder(tmp_path: Path) -> None:
    run("load", "--data", tmp_path / "data", patients(tmp_path, {"resourceType": "Patient", "id": "1"}))
    run("backup", "--data", tmp_path / "data", tmp_path / "backup.sqlite")
    assert run("restore", "--data", tmp_path / "other", tmp_path / "backup.sqlite").exit_code == 0
    assert run("doctor", "--data", tmp_path / "other").exit_code == 0


def test_the_doctor_finds_nothing_in_a_healthy_store(tmp_path: Path) -> None:
    run("load", "--data", tmp_path / "data", patients(tmp_path, {"resourceType": "Patient", "id": "1"}))
    found = run("doctor", "--data", tmp_path / "data")
    assert (found.exit_code, found.stderr) == (0, "")
    assert "nothing is wrong" in found.stdout


def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "id": "1", "gender": "male"}
    run("load", "--data", tmp_path / "data", patients(tmp_path, patient))
    with closing(apsw.Connection(str(tmp_path / "data" / "fhir.sqlite"))) as connection:
        connection.execute("DELETE FROM token")
    found = run("doctor", "--data", tmp_path / "data")
    assert found.exit_code == 1
    assert "Patient/1: " in found.stderr and "findings" in found.stdout


@pytest.mark.parametrize("command", ["doctor", "backup"])
def test_without_a_store_there_is_nothing_to_look_at(tmp_path: Path, command: str) -> None:
    found = run(command, "--data", tmp_path / "data", *(["backup.sqlite"] if command == "backup" else []))
    assert found.exit_code == 1
    assert "there is no" in found.stderr


@pytest.mark.parametrize("command", ["doctor", "load", "serve"])
def test_a_file_that_is_no_store_is_named(tmp_path: Path, command: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fhir.sqlite").write_bytes(b"precious" * 1000)
    arguments = {"load": [patients(tmp_path)], "serve": ["--open", "--port", "0"]}.get(command, [])
    found = run(command, "--data", tmp_path / "data", *arguments)
    assert found.exit_code == 1
    assert "fhir.sqlite" in found.stderr
    assert (tmp_path / "data" / "fhir.sqlite").read_bytes() == b"precious" * 1000
