"""An explanation tells of the same run that `find` and `count` make, and changes nothing."""

from typing import Any

from hypothesis import given

from fhir_server.store.algebra import And, Everything, Query, StringStarts, TokenIn
from fhir_server.store.explanation import Estimate
from fhir_server.store.protocol import Store
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import fill, questions, reusing
from tests.store.resources import content, patient, put, put_all
from tests.store.worlds import worlds

SECRET = "zhangsan"
NAMED = StringStarts("Patient.name", SECRET)
KEPT = TokenIn("Patient.tag", (7,))


def people(count: int, tagged: int) -> list[Any]:
    """Of one name; `tagged` of them have the tag that KEPT asks for."""
    return [
        patient(
            str(number),
            strings=[["Patient.name", SECRET, 1]],
            tokens=[["Patient.tag", 7]] if number < tagged else [],
        )
        for number in range(count)
    ]


def test_says_what_was_run_and_what_it_read(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *people(9, 4)))
    (explained,) = run(store.explain(Query(("Patient",), And((NAMED, KEPT)), 3)))
    assert (explained.resources, explained.found) == (9, 3)
    assert explained.milliseconds >= sum(each.milliseconds for each in explained.statements) > 0
    # one row more tells that there is more
    (page,) = [each for each in explained.statements if each.rows == 4]
    assert (page.runs, page.scanned > 0) == (1, False)
    assert page.steps > 4
    assert page.plan
    for each in explained.statements:
        assert each.runs > 0
        assert each.values == each.text.count("?")


def test_estimates_each_term_of_a_conjunction(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *people(9, 4)))
    (explained,) = run(store.explain(Query(("Patient",), And((NAMED, KEPT)), 3)))
    most = explained.estimates[0].at_most
    assert explained.estimates == (Estimate(NAMED, 9, most), Estimate(KEPT, 4, most))
    assert most > 9


def test_no_value_stands_in_a_statement(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *people(9, 4)))
    for limit in (3, 0):
        (explained,) = run(store.explain(Query(("Patient",), And((NAMED, KEPT)), limit)))
        for each in explained.statements:
            assert SECRET not in each.text
            assert not any(SECRET in step for step in each.plan)


def test_a_limit_of_0_explains_the_count(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *people(9, 4)))
    (explained,) = run(store.explain(Query(("Patient",), KEPT, 0)))
    assert explained.found == 4
    assert any("count(" in each.text and each.rows == 1 for each in explained.statements)


def test_of_types_that_the_store_does_not_have(store: Store, run: Run[Any]) -> None:
    (explained,) = run(store.explain(Query(("Patient",), NAMED, 3)))
    assert (explained.resources, explained.found, explained.estimates) == (0, 0, ())


def test_later_pages(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *people(9, 4)))
    query = Query(("Patient",), KEPT, 3)
    page = run(store.find(query))
    run(put(store, patient("new", tokens=[["Patient.tag", 7]])))
    later = Query(("Patient",), KEPT, 3, after=page.hits[-1].position, as_of=page.moment)
    (explained,) = run(store.explain(later))
    assert explained.found == len(run(store.find(later)).hits) == 1


def test_in_a_transaction(store: Store, run: Run[Any]) -> None:
    async def work(tx: Any) -> list[int]:
        await tx.put(content(patient("new")), method="PUT")
        found = [await tx.explain(Query(("Patient",), Everything(), limit)) for limit in (3, 0)]
        return [each.found for explained in found for each in explained]

    run(put_all(store, *people(9, 4)))
    assert run(store.transaction(work)) == [3, 10]


@reusing
@given(world=worlds, asked=questions())
def test_finds_what_find_and_count_find(fresh: Fresh, run: Run[Any], world: list[Any], asked: Any) -> None:
    async def test() -> None:
        store = fresh()
        await fill(store, world)
        types, where, sort = asked
        query = Query(types, where, 3, sort)
        before = await store.find(query)
        (page,) = await store.explain(query)
        (total,) = await store.explain(Query(types, where, 0))
        assert page.found == len(before.hits)
        assert total.found == await store.count(types, where)
        assert await store.find(query) == before
        assert all(each.rows <= each.at_most for each in page.estimates)
        await store.close()

    run(test())
