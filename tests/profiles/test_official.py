"""Both validators agree on every example, or it is listed who is right and why."""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_server.app import OpenContext
from fhir_server.interactions.review import review
from fhir_server.resource import decode
from tests.profiles.official import DIFFERENCES, VARIABLE, Answer, ask, asked, fingerprint, kept, name_of
from tests.profiles.package import FOLDER, opened

KINDS = {
    "cardinality-min": r"Validation_VAL_Profile_Minimum(_SLICE(_EXT)?)?",
    "cardinality-max": r"Validation_VAL_Profile_Maximum",
    "binding-required": r"Terminology_TX_NoValid_\w+",
    "pattern": r"TYPE_CHECKS_PATTERN_CC|_DT_Fixed_Wrong",
    "fixed": r"_DT_Fixed_Wrong",
}
"""Our message id -> those of the official validator, beside constraints, which have their own."""
# told beside binding-required
BESIDE = "code-unknown"


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[asyncio.Runner, OpenContext]]:
    with opened() as found:
        yield found


def ours(name: str, store: tuple[asyncio.Runner, OpenContext]) -> Answer:
    runner, opened_ = store
    context = opened_.context
    resource = decode((FOLDER / name).read_bytes())
    found = runner.run(review(context.validator, context.profiles, resource, ()))
    told = [
        [issue.severity, issue.message or "", issue.expression or ""]
        for issue in found
        if (issue.severity in ("fatal", "error") and issue.message != BESIDE)
        or (issue.severity == "warning" and re.fullmatch(r"constraint-(?!dom-6$).*", issue.message or ""))
    ]
    return sorted(told)


def is_same(mine: list[str], theirs: list[str]) -> bool:
    """Whether two issues say the same; of what is missing the official validator names the owner."""
    severity, message, at = mine
    if severity != theirs[0] or theirs[2] not in (at, at.rpartition(".")[0], f"{at}.code"):
        return False
    if message.startswith("constraint-"):
        return theirs[1].rpartition("#")[2] == message.removeprefix("constraint-")
    return re.fullmatch(KINDS.get(message, ""), theirs[1]) is not None


def agree(mine: Answer, theirs: Answer) -> bool:
    return len(mine) == len(theirs) and all(any(is_same(one, other) for other in theirs) for one in mine)


def differences() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DIFFERENCES.read_bytes())
    return found


def test_every_example_has_an_answer_about_it() -> None:
    wanted = {name_of(path): fingerprint(path) for path in asked() if path.parent != FOLDER}
    answers = {name: answer["of"] for name, answer in kept().items() if "/" in name}
    assert answers == wanted, "ask the official validator again: python -m tests.profiles.official"


def is_of_now(name: str, answer: dict[str, Any]) -> bool:
    """Definitions may have changed since; the run with Java asks about them again."""
    path = FOLDER / name
    return path.exists() and answer["of"] == fingerprint(path)


def test_both_validators_agree_but_where_it_is_listed(store: tuple[asyncio.Runner, OpenContext]) -> None:
    of_now = {name: answer for name, answer in kept().items() if is_of_now(name, answer)}
    answers = {name: answer["issues"] for name, answer in of_now.items()}
    differing = {name for name, theirs in answers.items() if not agree(ours(name, store), theirs)}
    assert differing == differences().keys()


def test_every_difference_has_a_reason() -> None:
    for name, told in differences().items():
        assert told["right"] in ("we", "they") and len(told["why"]) > 20, name


@pytest.mark.java
def test_the_answers_are_what_the_official_validator_says() -> None:
    program = os.environ.get(VARIABLE)
    if not program:
        pytest.skip(f"{VARIABLE} names no program: the package was NOT compared with the official validator")
    assert ask(program) == {name: answer["issues"] for name, answer in kept().items()}
