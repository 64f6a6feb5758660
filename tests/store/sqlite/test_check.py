"""A store that was only written through its protocol has no findings; each kind of damage has one."""

from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given

from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import SchemaError, check, open_store
from tests.store.conftest import Run
from tests.store.contract.test_find import fill, reusing
from tests.store.resources import Ticking, delete, extract, make, patient, put, put_all
from tests.store.worlds import worlds


@pytest.fixture
def path(tmp_path: Path, run: Run[Any]) -> Path:
    """A store of three resources of which one is deleted."""

    async def fill_it() -> None:
        store = open_store(tmp_path / "store.db", extract=extract, clock=Ticking())
        rows = {
            "tokens": [["Patient.code", 5]],
            "strings": [["Patient.name", "eve", 1]],
            "dates": [["Patient.birth", 0, 9]],
            "numbers": [["Patient.weight", 0, 1.5, 2.5]],
            "references": [["Patient.general-practitioner", "Practitioner", "p"]],
            "lexicon": [["Patient.code", "five", 5]],
            "instances": [{"tokens": [["Patient.part", 6]]}],
        }
        await put_all(store, patient("a", **rows), make("Group", "g"), patient("gone"))
        await put(store, patient("a", note="two", **rows))
        await delete(store, "Patient", "gone")
        await store.close()

    run(fill_it())
    return tmp_path / "store.db"


def findings(path: Path) -> list[str]:
    return [str(finding) for finding in check(path, extract)]


def test_a_whole_store_has_no_findings(path: Path) -> None:
    told: list[tuple[int, int]] = []
    assert list(check(path, extract, lambda done, total: told.append((done, total)))) == []
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ("DELETE FROM token WHERE hash = 5", "Patient/a: a token row lacks (Patient.code)"),
        ("DELETE FROM token WHERE hash = 6", "Patient/a: a token row lacks (Patient.part)"),
        ("DELETE FROM string", "Patient/a: a string row lacks (Patient.name)"),
        ("DELETE FROM date", "Patient/a: a date row lacks (Patient.birth)"),
        ("DELETE FROM number", "Patient/a: a number row lacks (Patient.weight)"),
        ("DELETE FROM reference", "Patient/a: a reference row lacks (Patient.general-practitioner)"),
        ("DELETE FROM lexicon", "Patient/a: a lexicon row lacks (Patient.code)"),
        ("INSERT INTO token SELECT column, 7, key FROM token WHERE hash = 5",
         "Patient/a: a token row too many (Patient.code)"),
        ("INSERT INTO token SELECT column, 7, key FROM token WHERE hash = 6",
         "Patient/a: a token row too many (Patient.part)"),
        ("INSERT INTO date SELECT column, low, 77, width FROM date",
         "a date row too many: key 77, which no resource has (Patient.birth)"),
        ("UPDATE resource_type SET total = 9 WHERE name = 'Group'", "Group: 1 resources, the count says 9"),
        ("UPDATE resource SET seq = 1 WHERE type = 1 AND id = 'a'",
         "Patient/a: the current version is not its last one"),
        ("DELETE FROM version WHERE seq = 1", "Patient/a: version ids have gaps (version 2)"),
        ("UPDATE version SET type = 9 WHERE seq = 2",
         "Group/g: a version has another type than the resource (version 1)"),
        ("UPDATE version SET last_updated = 5 WHERE seq = 2",
         "Group/g: a version is older than the one before it in the log (version 1)"),
        ("UPDATE resource SET live = 1 WHERE id = 'gone'",
         "Patient/gone: it is there and its current version is a deletion, or the other way round"),
        ("UPDATE resource SET live = 1 WHERE id = 'p'", "Practitioner/p: it was never made and is there"),
        ("DELETE FROM resource WHERE id = 'p'", "Patient/a: it refers to a key that nothing has"),
        ("UPDATE version SET body = CAST(x'28b52ffd2109' || substr(body, 7) AS BLOB) WHERE seq = 1",
         "Patient/a: a version needs dictionary 9, which is not there"),
        ("UPDATE version SET body = x'28b52ffd200000' WHERE seq = 4",
         "Patient/a: the body cannot be indexed: "),
    ],
)  # fmt: skip
def test_finds(path: Path, damage: str, finding: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(damage)
    connection.close()
    assert any(found.startswith(finding) for found in findings(path)), findings(path)


def test_finds_a_body_that_lost_its_rows(path: Path) -> None:
    """Rows that the extraction no longer makes are too many."""

    def forgetful(resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows:
        return Rows()

    found = {str(finding) for finding in check(path, forgetful)}
    assert "Patient/a: a string row too many (Patient.name)" in found
    assert len(found) == 6


def test_refuses_what_is_not_a_store(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "other.db"))
    connection.execute("CREATE TABLE t(x)")
    connection.close()
    with pytest.raises(SchemaError):
        list(check(tmp_path / "other.db", extract))


@reusing
@given(world=worlds)
def test_whatever_is_written_the_store_stays_whole(
    tmp_path_factory: pytest.TempPathFactory, run: Run[Any], world: list[Any]
) -> None:
    path = tmp_path_factory.mktemp("world") / "store.db"

    async def test() -> None:
        store = open_store(path, extract=extract, clock=Ticking())
        await fill(store, world)
        await store.close()

    run(test())
    assert findings(path) == []
