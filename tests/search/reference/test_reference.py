"""The server and the reference search answer questions that are drawn by chance, and answer alike.

The full run: `python -m tests.search.reference --queries 20000`.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.search.reference import Refused, Unsure
from tests.search.reference.compare import differences, smallest
from tests.search.reference.draw import Drawing
from tests.search.reference.search import Question, search
from tests.search.reference.worlds import SOURCES, Searched, partly, searched

# derandomized, so that a run can be repeated; other seeds are for the full run
DRAWN = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Searched, Drawing]]]:
    folder = tmp_path_factory.mktemp("reference")
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        worlds = [stack.enter_context(searched(name, folder, runner)) for name in SOURCES]
        yield {each.name: (each, Drawing(each.world)) for each in worlds}


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=170, **DRAWN)  # type: ignore[arg-type]
@given(seed=st.integers(0, 1 << 40))
def test_both_answer_alike(both: dict[str, tuple[Searched, Drawing]], name: str, seed: int) -> None:
    answers_alike(*both[name], seed)


@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=60, **DRAWN)  # type: ignore[arg-type]
@given(seed=st.integers(1 << 61, 1 << 62))
def test_G03_G05_what_is_hidden_is_as_if_it_were_not_there(
    both: dict[str, tuple[Searched, Drawing]], name: str, seed: int
) -> None:
    """Questions are about what is hidden too; chains, `_has`, includes, sorts, totals do not tell of it."""
    whole, drawing = both[name]
    answers_alike(partly(whole, Random(seed)), drawing, seed)


@pytest.mark.long
@pytest.mark.parametrize("name", SOURCES)
@settings(max_examples=1300, **DRAWN)  # type: ignore[arg-type]
@given(seed=st.integers(1 << 41, 1 << 60))
def test_both_answer_many_alike(both: dict[str, tuple[Searched, Drawing]], name: str, seed: int) -> None:
    answers_alike(*both[name], seed)


def answers_alike(world: Searched, drawing: Drawing, seed: int) -> None:
    question = drawing.question(Random(seed))
    found, _ = differences(world, question)
    if found:
        least = smallest(world, question)
        pytest.fail(f"{least}\n{differences(world, least)[0]}")


@pytest.mark.parametrize("include", ["*", "Patient:*", "Basic:author"])
def test_includes_of_what_is_not_here_are_asked_for_too(
    both: dict[str, tuple[Searched, Drawing]], include: str
) -> None:
    """https://hl7.org/fhir/R4/search.html#summary: "_include and _revinclude cannot be mixed with" it."""
    server, _ = both["hostile"]
    empty = replace(server.world, resources={})
    question = Question("Patient", (("_revinclude", include), ("_summary", "text")))
    with pytest.raises(Refused):
        search(empty, question)
    assert differences(server, question)[0] == []


def test_many_drawn_questions_find_something(both: dict[str, tuple[Searched, Drawing]]) -> None:
    kinds: Counter[str] = Counter()
    for name, (found, drawing) in both.items():
        for seed in range(100):
            kinds[kind(found, drawing.question(Random(f"{name} {seed}")))] += 1
    assert kinds["found"] > 60, kinds
    assert kinds["refused"] > 15, kinds
    assert kinds["empty"] > 60, kinds
    assert kinds["unsure"] < 5, kinds


def kind(found: Searched, question: Question) -> str:
    try:
        return "found" if search(found.world, question).hits else "empty"
    except Refused:
        return "refused"
    except Unsure:
        return "unsure"
