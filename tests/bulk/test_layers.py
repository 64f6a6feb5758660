"""Definitions of R4 and of packages are found by added parameters and in another time zone, like all else."""

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_server.bulk import layers, packages
from fhir_server.bulk.packages import add_package
from fhir_server.definitions.registry import load
from fhir_server.search.index import Indexer
from fhir_server.search.options import DEFAULT_ZONE
from fhir_server.store.sqlite.seal import without_log
from tests.bulk.indexed import PETS, Indexed, parameter, patient
from tests.definitions.archives import archive, files

EXPERIMENTAL = parameter(code="experimental", base=["ValueSet"], expression="ValueSet.experimental")


pytestmark = pytest.mark.usefixtures("small_core")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def copies(folder: Path) -> list[Path]:
    return sorted((folder / "layers").glob("*"))


def test_an_added_parameter_finds_what_layers_have(server: Indexed, folder: Path) -> None:
    server.put(PETS | {"id": "mine", "url": "x:z"})
    server.put(EXPERIMENTAL)
    assert server.refused("GET", "ValueSet?experimental=true").status == 503
    server.work_off()
    assert server.found("ValueSet?experimental=true") == {"ValueSet/pets", "ValueSet/mine"}
    assert server.found("ValueSet?name=pets") == {"ValueSet/pets", "ValueSet/wild", "ValueSet/mine"}
    assert len(copies(folder)) == 1 and server.findings() == []


def test_a_layer_without_such_resources_stays_what_it_is(server: Indexed, folder: Path) -> None:
    server.put(patient("a", "blue"))
    server.put(parameter())
    server.work_off()
    assert server.found("Patient?eye-colour=blue") == {"Patient/a"}
    assert copies(folder) == []


def test_a_copy_is_made_anew_for_other_parameters(server: Indexed, folder: Path) -> None:
    server.put(EXPERIMENTAL)
    server.work_off()
    first = copies(folder)
    both = parameter(
        id="c", code="copyright", base=["ValueSet"], type="string", expression="ValueSet.copyright"
    )
    server.put(both)
    assert server.refused("GET", "ValueSet?experimental=true").status == 503
    server.work_off()
    assert server.found("ValueSet?experimental=true") == {"ValueSet/pets"}
    assert len(copies(folder)) == 1 and copies(folder) != first


def test_a_copy_that_is_lost_is_made_again_at_the_next_start(
    server: Indexed, folder: Path, runner: asyncio.Runner
) -> None:
    server.put(EXPERIMENTAL)
    server.work_off()
    server.close()
    copies(folder)[0].unlink()
    with Indexed(runner, folder) as again:
        assert again.refused("GET", "ValueSet?experimental=true").status == 503
        again.work_off()
        assert again.found("ValueSet?experimental=true") == {"ValueSet/pets"}
    server.opened = again.opened


def test_a_start_that_finds_all_copies_has_nothing_to_do(
    server: Indexed, folder: Path, runner: asyncio.Runner
) -> None:
    server.put(EXPERIMENTAL)
    server.work_off()
    with Indexed(runner, folder) as other:
        assert other.jobs() == []
        assert other.found("ValueSet?experimental=true") == {"ValueSet/pets"}


def test_a_copy_that_was_cut_off_is_not_used(server: Indexed, folder: Path, monkeypatch: Any) -> None:
    server.put(EXPERIMENTAL)

    def cut_off(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fhir_server.bulk.layers.without_log", cut_off)
    with pytest.raises(KeyboardInterrupt):
        server.work_off()
    monkeypatch.setattr("fhir_server.bulk.layers.without_log", without_log)
    assert server.refused("GET", "ValueSet?experimental=true").status == 503
    server.work_off()
    assert server.found("ValueSet?experimental=true") == {"ValueSet/pets"}
    assert len(copies(folder)) == 1


def test_another_time_zone_holds_for_layers(runner: asyncio.Runner, folder: Path) -> None:
    with Indexed(runner, folder, time_zone="UTC") as server:
        assert server.refused("GET", "ValueSet?date=2024").status == 503
        server.work_off()
        assert server.found("ValueSet?date=lt2024-02-29T00:00:00Z") == set()
        assert server.found("ValueSet?date=ge2024-02-29T00:00:00Z") == {"ValueSet/pets", "ValueSet/wild"}


def add_cats(runner: asyncio.Runner, folder: Path, zone: ZoneInfo = DEFAULT_ZONE) -> None:
    package = archive(folder.with_name("cats.tgz"), files(PETS | {"id": "cats", "url": "x:cats"}))
    indexer = Indexer(load(), zone=zone)
    runner.run(add_package(folder, str(package), indexer=indexer, check=lambda _: []))


def test_a_package_of_this_release_and_zone_needs_no_copy(runner: asyncio.Runner, folder: Path) -> None:
    add_cats(runner, folder)
    with Indexed(runner, folder) as server:
        assert server.jobs() == []
        assert "ValueSet/cats" in server.found("ValueSet?date=2024-02-29")
    assert copies(folder) == []


def test_a_package_that_was_added_in_another_time_zone_is_indexed_anew(
    runner: asyncio.Runner, folder: Path
) -> None:
    add_cats(runner, folder, ZoneInfo("UTC"))
    with Indexed(runner, folder) as server:
        assert server.refused("GET", "ValueSet?date=2024").status == 503
        assert server.found("Patient?birthdate=2024") == set()  # there are none in it
        server.work_off()
        all_of_them = {"ValueSet/cats", "ValueSet/pets", "ValueSet/wild"}
        assert server.found("ValueSet?date=lt2024-02-29T00:00:00Z") == all_of_them
        assert len(copies(folder)) == 1 and server.findings() == []


@pytest.mark.parametrize("known", [True, False])
def test_a_package_that_an_older_release_indexed_otherwise_is_indexed_anew(
    runner: asyncio.Runner, folder: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """One that never told what its rows were made by is taken for such a package."""
    with monkeypatch.context() as older:
        older.setattr(packages, "made_by", lambda _: "an older release" if known else "")
        older.setattr(packages, "extraction", lambda _: {"token": "other rows"} if known else {})
        add_cats(runner, folder)
    with Indexed(runner, folder) as server:
        assert server.refused("GET", "ValueSet?name=pets").status == 503
        server.work_off()
        assert "ValueSet/cats" in server.found("ValueSet?name=pets")
    with Indexed(runner, folder) as again:
        assert again.jobs() == []
    assert len(copies(folder)) == 1


def test_a_package_that_an_older_release_indexed_alike_stays_what_it_is(
    runner: asyncio.Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_cats(runner, folder)
    monkeypatch.setattr(layers, "made_by", lambda _: "a newer release")
    with Indexed(runner, folder) as server:
        assert server.jobs() == []
        assert "ValueSet/cats" in server.found("ValueSet?name=pets")
    assert copies(folder) == []
