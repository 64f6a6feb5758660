"""Many values at once: the answer is that of the rows, and what drives is an index."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.store import algebra
from fhir_server.store.algebra import Node, Query
from fhir_server.store.protocol import Store
from fhir_server.store.sqlite import lexicon, plan, values
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import answers_like_the_oracle, fill, questions, reusing
from tests.store.resources import make, patient, put_all
from tests.store.sqlite.test_plans import steps_of
from tests.store.worlds import worlds


@settings(reusing, max_examples=20)
@given(
    world=worlds,
    asked=st.lists(questions(), min_size=1, max_size=8),
    many=st.sampled_from((0, 1)),
    collected=st.sampled_from((1, 5000)),
)
def test_finds_the_same_when_few_values_are_many(
    fresh: Fresh, run: Run[Any], world: list[Any], asked: list[Any], many: int, collected: int
) -> None:
    async def test() -> None:
        store = fresh()
        oracle = await fill(store, world)
        for question in asked:
            await answers_like_the_oracle(store, oracle, *question)
        await store.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "MANY", many)
        patch.setattr(lexicon, "INLINE", many)
        for name in ("COLLECTED_AT_LEAST", "COLLECTED_AT_MOST", "PROBED", "BEGINNING"):
            patch.setattr(plan, name, collected)
        run(test())


CODES = algebra.TokenIn("Observation.code", tuple(range(-50_000, 50_000)))
SUBJECTS = algebra.ReferenceIn("Observation.subject", tuple(("Patient", f"p{n}") for n in range(5_000)))


def test_one_hundred_thousand_codes(fresh: Fresh, run: Run[Any]) -> None:
    """As many as a value set may have, of which the store has three."""

    async def test(store: Store) -> None:
        await put_all(store, *(patient(f"p{n}") for n in range(3)))
        for n in range(30):
            one = make(
                "Observation",
                f"o{n}",
                tokens=[["Observation.code", 100_000 + n if n % 10 else n]],
                references=[["Observation.subject", "Patient", f"p{n % 7}"]],
            )
            await put_all(store, one)
        for where, expected in (
            (CODES, 3),
            (algebra.Not(CODES), 27),
            (SUBJECTS, 30),
            (algebra.And((CODES, SUBJECTS)), 3),
            (algebra.Forward("Observation.subject", "Patient", algebra.IdIn(("p0",))), 5),
        ):
            assert await store.count(("Observation",), where) == expected
            assert len((await store.find(Query(("Observation",), where, 100))).hits) == expected

    run(test(fresh()))


NAMED = algebra.LexiconIn("Observation.code", ("1", "2", "3"), prefix=True)


@pytest.mark.parametrize("where", [CODES, algebra.And((CODES, SUBJECTS)), SUBJECTS, NAMED])
def test_many_values_are_sought(
    fresh: Fresh, run: Run[Any], monkeypatch: pytest.MonkeyPatch, where: Node
) -> None:
    monkeypatch.setattr(values, "MANY", 2)
    monkeypatch.setattr(lexicon, "INLINE", 1)
    for name in ("COLLECTED_AT_LEAST", "COLLECTED_AT_MOST", "PROBED", "BEGINNING"):
        monkeypatch.setattr(plan, name, 1)
    steps = run(steps_of(fresh(), where, ()))
    scanned = [step for step in steps if step.startswith(("SCAN", "USE TEMP")) and step != "SCAN d"]
    assert {step.split()[1] for step in scanned} <= {"carray"}
