"""A package under another base: no trace of the old one, and it is a package as before."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhir_server.alliance.systems import BASE
from fhir_server.app import Parts
from fhir_server.bulk.packages import add_package
from fhir_server.bulk.rebase import rebase
from fhir_server.bulk.shipped import folder
from fhir_server.cli import main
from fhir_server.config import Settings
from fhir_server.definitions.index import FILE, index
from fhir_server.definitions.packages import open_package
from fhir_server.interactions.review import review
from fhir_server.outcome import DefinitionError
from fhir_server.resource import decode

OTHER = "https://fhir.example.org/alliance"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("rebase") / "moved"
    assert rebase(folder(), OTHER, target) == sum(path.is_file() for path in folder().rglob("*"))
    return target


def test_no_trace_of_the_old_base_is_left(moved: Path) -> None:
    for path in moved.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert BASE not in text and "alliance-fhir.example" not in text, path.name


def test_every_definition_of_the_project_is_below_the_new_base(moved: Path) -> None:
    package = open_package(moved)
    assert package.manifest["canonical"] == OTHER
    urls = [each["url"] for _, each in package.canonicals() if "url" in each]
    before = [each["url"] for _, each in open_package(folder()).canonicals() if "url" in each]
    assert urls == [url.replace(BASE, OTHER) for url in before] and f"{OTHER}/ValueSet/care-setting" in urls


def test_its_index_is_its_own(moved: Path) -> None:
    assert decode((moved / FILE).read_bytes()) == index(open_package(moved))


def test_examples_validate_against_the_moved_package(moved: Path, tmp_path: Path) -> None:
    parts = Parts(Settings(data=str(tmp_path)))
    expected = json.loads((moved / "examples-bad" / "expected.json").read_text())

    async def run() -> None:
        await add_package(tmp_path, str(moved), indexer=parts.indexer, check=parts.validator.check)
        opened = await parts.open_context()
        context = opened.context
        try:
            for path in sorted((moved / "examples").glob("*.json")):
                found = await review(context.validator, context.profiles, decode(path.read_bytes()), ())
                assert [issue for issue in found if issue.severity == "error"] == [], path.name
                assert [issue for issue in found if issue.message == "profile-unknown"] == [], path.name
            for name in ("alliance-patient-resident-number-digit.json", "referral-task-no-owner.json"):
                resource = decode((moved / "examples-bad" / name).read_bytes())
                found = await review(context.validator, context.profiles, resource, ())
                errors = [issue.message for issue in found if issue.severity == "error"]
                assert errors == [expected[name]["message"]]
        finally:
            await opened.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "base",
    [
        "fhir.example.org",
        "ftp://example.org",
        f"{OTHER}/",
        "https://example.org/a b",
        BASE,
        f"{BASE}/more",
        "",
    ],
)
def test_what_is_no_base_is_refused(base: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError):
        rebase(folder(), base, tmp_path / "moved")
    assert not (tmp_path / "moved").exists()


def test_a_package_without_a_canonical_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "package.json").write_text('{"name": "org.example", "version": "1.0.0"}')
    with pytest.raises(DefinitionError, match="canonical"):
        rebase(source, OTHER, tmp_path / "moved")


def test_the_command(tmp_path: Path) -> None:
    target = tmp_path / "moved"
    done = CliRunner().invoke(main, ["packages", "rebase", OTHER, str(target)])
    assert done.exit_code == 0, done.output
    assert f"below {OTHER}" in done.output and (target / "package.json").is_file()
    again = CliRunner().invoke(main, ["packages", "rebase", OTHER, str(target)])
    assert again.exit_code == 1 and "there already" in again.output
