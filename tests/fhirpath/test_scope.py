import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from fhir_server.fhirpath import FhirPathError, Scope, scope
from tests.fhirpath.answers import compiled


def patient(names: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": f"x{number}"} for number in range(names)]}


@pytest.mark.parametrize(
    "text",
    [
        "name.where(%resource.name.where(%resource.name.where(family = 'a').exists()).exists())",
        "name.select(%context.name.select(%context.name))",
        "name.where(family in %context.name.family)",
        "id.repeat($this & 'aaaaaaaaaaaaaaaa')",
        "id.repeat($this + 'x')",
        "name.select(%context.name | $this).count()",
        "(1).repeat($this + 1).count()",
        "name.aggregate($total.combine($total).combine('x'), 'x')",
        "id" + f".replace('x', '{'x' * 1000}')" * 3,
        "id" + ".replaceMatches('(.*)', '$1$1$1$1$1$1$1$1$1$1$1$1')" * 9,
    ],
)
def test_what_costs_too_much_is_stopped(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "TIME_LIMIT_S", 0.3)
    started = time.process_time()
    with pytest.raises(FhirPathError, match="costly"):
        compiled(text, "Patient").evaluate(patient(5000) | {"id": "x"})
    assert time.process_time() - started < 5


def test_what_is_only_long_is_not_stopped() -> None:
    assert compiled("name.where(family = 'x7').count()", "Patient").evaluate(patient(50_000)) == [1]
    assert compiled("descendants().count()", "Patient").evaluate(patient(20_000)) == [40_000]
    assert compiled("name.select(family & '!').count()", "Patient").evaluate(patient(50_000)) == [50_000]


def test_each_run_counts_from_zero() -> None:
    shared = Scope(patient(100))
    expression = compiled("name.where(%resource.name.where(family = 'x1').exists()).count()", "Patient")
    for _ in range(3):
        assert expression.items(shared.resource, shared) == [100]
        assert shared.visited < scope.ITEM_LIMIT / 100


def test_now_is_one_instant_in_a_run() -> None:
    shared = Scope()
    shared.instant = datetime(2026, 11, 23, 23, 30, tzinfo=timezone(timedelta(hours=8)))
    (now,) = compiled("now()", "Patient").items({}, shared)
    (today,) = compiled("today()", "Patient").items({}, shared)
    (clock,) = compiled("timeOfDay()", "Patient").items({}, shared)
    assert [str(each) for each in (now, today, clock)] == [
        "2026-11-23T23:30:00.000+08:00",
        "2026-11-23",
        "23:30:00.000",
    ]


def test_now_is_the_present() -> None:
    before = datetime.now(UTC)
    (found,) = compiled("now()", "Patient").evaluate({"resourceType": "Patient"})
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(found) <= datetime.now(UTC)


def test_trace_is_heard_and_changes_nothing() -> None:
    heard: list[Any] = []
    shared = Scope(patient(2))
    shared.trace = lambda name, items: heard.append((name, [(item.type, item.value) for item in items]))
    expression = compiled("name.trace('names').trace('families', family).count()", "Patient")
    assert expression.items(shared.resource, shared) == [2]
    names = [("HumanName", {"family": "x0"}), ("HumanName", {"family": "x1"})]
    assert heard == [("names", names), ("families", [("string", "x0"), ("string", "x1")])]
