"""Whatever the plan, the answer is the same: the limits that choose it are moved."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.store.sqlite import find, plan
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import answers_like_the_oracle, fill, questions, reusing
from tests.store.worlds import worlds


@reusing
@given(
    world=worlds,
    asked=st.lists(questions(), min_size=1, max_size=8),
    collected=st.sampled_from((1, 5, 5000)),
    sorted_=st.sampled_from((0, 0, 2)),
)
def test_finds_the_same_by_every_plan(
    fresh: Fresh, run: Run[Any], world: list[Any], asked: list[Any], collected: int, sorted_: int
) -> None:
    async def test() -> None:
        store = fresh()
        oracle = await fill(store, world)
        for question in asked:
            await answers_like_the_oracle(store, oracle, *question)
        await store.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "COLLECTED_AT_LEAST", collected)
        patch.setattr(plan, "COLLECTED_AT_MOST", collected)
        patch.setattr(plan, "FEW", collected)
        patch.setattr(find, "SORTED_AT_MOST", sorted_)
        run(test())
