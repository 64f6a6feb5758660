"""Definitions of R4 and of packages are found by added parameters and in another time zone, like all else."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fhir_server.store.sqlite.seal import without_log
from tests.bulk.indexed import PETS, Indexed, parameter, patient

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
