"""The fingerprint of the rules by which rows are made changes with them, and with nothing else."""

import os
import subprocess
import sys
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_server.search import fingerprint
from fhir_server.search.column import Indexing
from fhir_server.search.fingerprint import STRUCTURE, WORDS, extraction, made_by
from fhir_server.search.types import TYPES

SHANGHAI = Indexing(ZoneInfo("Asia/Shanghai"))


@pytest.fixture(scope="module")
def taken() -> dict[str, str]:
    return extraction(SHANGHAI)


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    assert one.keys() == other.keys()
    return {kind for kind in one if one[kind] != other[kind]}


def test_it_has_a_part_for_every_type_of_parameter_and_for_the_rest(taken: dict[str, str]) -> None:
    assert taken.keys() == {*TYPES, STRUCTURE, WORDS}
    assert len(set(taken.values())) == len(taken)


def test_another_process_takes_the_same(taken: dict[str, str]) -> None:
    program = (
        "from zoneinfo import ZoneInfo; from fhir_server.search.column import Indexing;"
        "from fhir_server.search.fingerprint import extraction, made_by;"
        "i = Indexing(ZoneInfo('Asia/Shanghai')); print([made_by(i), sorted(extraction(i).items())])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "5"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert found.stdout.strip() == str([made_by(SHANGHAI), sorted(taken.items())])


def test_the_time_zone_is_part_of_dates_only(taken: dict[str, str]) -> None:
    assert differing(taken, extraction(Indexing(UTC))) == {"date"}
    assert made_by(SHANGHAI) != made_by(Indexing(UTC))


def test_the_base_url_is_part_of_references_only(taken: dict[str, str]) -> None:
    with_base = Indexing(SHANGHAI.zone, ("http://example.org/fhir",))
    assert differing(taken, extraction(with_base)) == {"reference"}
    assert made_by(SHANGHAI) != made_by(with_base)


def test_a_rule_of_one_kind_that_changes_shows_in_that_kind(
    taken: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = TYPES["uri"]

    def emitter(column: str, type_name: str, indexing: Indexing) -> Any:
        emit = kind.emitter(column, type_name, indexing)

        def changed(value: Any, rows: Any) -> None:
            assert emit is not None
            emit(value.lower(), rows)

        return emit and changed

    changed_kind = type(kind)(kind.kind, emitter, kind.where, kind.present, kind.modifiers)
    monkeypatch.setitem(TYPES, "uri", changed_kind)
    # samples of whole resources have such values too
    assert differing(taken, extraction.__wrapped__(SHANGHAI)) - {STRUCTURE} == {"uri"}


def test_a_column_that_comes_from_elsewhere_shows(
    taken: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = fingerprint.Columns

    class Changed(columns):  # type: ignore[valid-type, misc]
        def parameters(self, resource_type: str) -> Any:
            found = super().parameters(resource_type)
            return (each for each in found if (resource_type, each.code) != ("Slot", "status"))

    monkeypatch.setattr(fingerprint, "Columns", Changed)
    assert differing(taken, extraction.__wrapped__(SHANGHAI)) == {STRUCTURE}


def test_the_code_that_makes_rows_is_what_made_the_index() -> None:
    names = {path.split("/")[0] for path in fingerprint._CODE}
    assert {"search", "fhirpath", "definitions", "resource.py", "store"} <= names
    for name in fingerprint._CODE:
        assert (fingerprint._PACKAGE / name).exists(), name
