"""Rules of indexing: one value, seen by every unit of work; rows that are added and dropped to fit it."""

from pathlib import Path
from typing import Any

import pytest

from fhir_server.store.algebra import FullText, LexiconIn, Query, StringIs, TokenIn
from fhir_server.store.protocol import Store, Transaction, mark_of
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import open_store
from tests.store.conftest import Run
from tests.store.resources import Ticking, content, extract, patient, put, put_all

COLOUR = TokenIn("Patient.colour", (5,))


def found(run: Run[Any], store: Store, where: Any) -> set[str]:
    return {hit.version.id for hit in run(store.find(Query(("Patient",), where, 100))).hits}


def test_a_store_has_no_rules_at_first(store: Store, run: Run[Any]) -> None:
    async def mark(tx: Transaction) -> int:
        return tx.rules_mark

    assert run(store.rules()) == b""
    assert run(store.transaction(mark)) == mark_of(b"") == 0


def test_a_unit_sees_the_rules_that_it_sets_and_others_do_after_it(store: Store, run: Run[Any]) -> None:
    async def change(tx: Transaction) -> None:
        await tx.set_rules(b"new")
        assert await tx.rules() == b"new" and tx.rules_mark == mark_of(b"new")
        assert await store.rules() == b""

    async def mark(tx: Transaction) -> int:
        return tx.rules_mark

    before = store.rules_sign
    run(store.transaction(change))
    assert run(store.rules()) == b"new"
    assert run(store.transaction(mark)) == mark_of(b"new")
    assert store.rules_sign != before


def test_rules_of_a_unit_that_fails_never_held(store: Store, run: Run[Any]) -> None:
    async def change(tx: Transaction) -> None:
        await tx.set_rules(b"new")
        raise ZeroDivisionError

    async def mark(tx: Transaction) -> int:
        return tx.rules_mark

    before = store.rules_sign
    with pytest.raises(ZeroDivisionError):
        run(store.transaction(change))
    assert run(store.rules()) == b"" and store.rules_sign == before
    assert run(store.transaction(mark)) == 0


def test_another_process_learns_of_new_rules(tmp_path: Path, run: Run[Any]) -> None:
    one, other = (open_store(tmp_path / "db", extract=extract, clock=Ticking()) for _ in range(2))
    before = other.rules_sign
    run(one.transaction(lambda tx: tx.set_rules(b"new")))
    assert other.rules_sign != before
    assert run(other.rules()) == b"new"
    run(one.close())
    run(other.close())


def test_a_sign_that_a_killed_process_could_not_give_is_given_by_the_next_unit(
    tmp_path: Path, run: Run[Any]
) -> None:
    one, other = (open_store(tmp_path / "db", extract=extract, clock=Ticking()) for _ in range(2))
    before = other.rules_sign
    run(one.transaction(lambda tx: tx.set_rules(b"new")))
    sign = one.rules_sign
    (tmp_path / "db.rules").write_bytes(before.to_bytes(8, "little", signed=True) + bytes(4088))
    assert other.rules_sign == before
    run(put(one, patient("a")))
    assert other.rules_sign == sign
    run(one.close())
    run(other.close())


def test_one_store_leads_until_it_is_closed(tmp_path: Path, run: Run[Any]) -> None:
    one, other = (open_store(tmp_path / "db", extract=extract, clock=Ticking()) for _ in range(2))
    assert one.lead() and one.lead() and not other.lead()
    run(one.close())
    assert other.lead()
    run(other.close())


def test_rows_are_added_to_the_current_version_only(store: Store, run: Run[Any]) -> None:
    old = run(put(store, patient("a", tokens=[["Patient.active", 1]]))).version
    new = run(put(store, patient("a", tokens=[["Patient.active", 2]]))).version
    rows = Rows(tokens={("Patient.colour", 5)}, strings={("Patient.nick", "eve", 1)})

    async def add(tx: Transaction) -> list[bool]:
        return [
            await tx.add_rows("Patient", "a", old.sequence, rows),
            await tx.add_rows("Patient", "a", new.sequence, rows),
            await tx.add_rows("Patient", "a", new.sequence, rows),
            await tx.add_rows("Patient", "nobody", new.sequence, rows),
        ]

    assert run(store.transaction(add)) == [False, True, True, False]
    for where in (COLOUR, StringIs("Patient.nick", "eve"), TokenIn("Patient.active", (2,))):
        assert found(run, store, where) == {"a"}


def test_a_deleted_resource_gets_no_rows(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))
    gone = run(store.transaction(lambda tx: tx.delete("Patient", "a")))
    rows = Rows(tokens={("Patient.colour", 5)})
    assert not run(store.transaction(lambda tx: tx.add_rows("Patient", "a", gone.sequence, rows)))


def test_rows_of_columns_are_dropped_some_at_a_time(store: Store, run: Run[Any]) -> None:
    names = [f"p{number}" for number in range(5)]
    for number, name in enumerate(names):
        rows = {
            "tokens": [["Patient.colour", 5], ["Patient.active", 1]],
            "strings": [["Patient.nick", name, 1]],
            "dates": [["Patient.birth", number, number]],
            "numbers": [["Patient.size", 0, number, number]],
            "references": [["Patient.friend", "Patient", "p0"]],
            "lexicon": [["Patient.colour", "red", 5]],
        }
        run(put(store, patient(name, **rows)))

    def drop(tx: Transaction) -> Any:
        return tx.drop_rows(lambda column: column != "Patient.active", 7, texts=True)

    counts = [run(store.transaction(drop)) for _ in range(5)]
    assert counts == [7, 7, 7, 5, 0]  # 25 rows, and one text
    assert found(run, store, COLOUR) == set()
    assert found(run, store, TokenIn("Patient.active", (1,))) == set(names)


def test_texts_that_were_dropped_are_written_again_under_other_rules(store: Store, run: Run[Any]) -> None:
    red = {"tokens": [["Patient.colour", 5]], "lexicon": [["Patient.colour", "red", 5]]}
    run(put(store, patient("a", **red)))
    run(store.transaction(lambda tx: tx.set_rules(b"without colours")))
    run(store.transaction(lambda tx: tx.drop_rows(lambda _: True, 100, texts=True)))
    run(store.transaction(lambda tx: tx.set_rules(b"with colours")))
    run(put(store, patient("b", **red)))
    assert found(run, store, LexiconIn("Patient.colour", ("red",))) == {"b"}


def test_what_a_failing_unit_dropped_is_there(store: Store, run: Run[Any]) -> None:
    async def work(tx: Transaction) -> None:
        await tx.drop_rows(lambda _: True, 100)
        raise ZeroDivisionError

    run(
        store.transaction(
            lambda tx: tx.put(content(patient("a", tokens=[["Patient.colour", 5]])), method="PUT")
        )
    )
    with pytest.raises(ZeroDivisionError):
        run(store.transaction(work))
    assert found(run, store, COLOUR) == {"a"}


def test_words_that_were_dropped_are_taken_again(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *(patient(f"p{number}", note="red eyes") for number in range(250))))
    red = FullText("anywhere", ("red",))
    assert run(store.count(("Patient",), red)) == 250
    run(store.transaction(lambda tx: tx.drop_words()))
    assert run(store.count(("Patient",), red)) == 250
