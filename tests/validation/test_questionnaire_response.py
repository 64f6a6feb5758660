"""A response against its Questionnaire: one example and one violation for each rule."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.validation.questionnaire_response import issues
from tests.validation.checking import validator

Item = dict[str, Any]


def item(link: str, *answers: Item, **rest: Any) -> Item:
    return {"linkId": link} | ({"answer": list(answers)} if answers else {}) | rest


def found(
    questions: list[Item], items: list[Item], status: str = "completed"
) -> list[tuple[str, str | None]]:
    questionnaire = {"resourceType": "Questionnaire", "status": "active", "item": questions}
    response: Item = {"resourceType": "QuestionnaireResponse", "status": status}
    response |= {"item": items} if items else {}
    assert validator().check(questionnaire) == []
    assert validator().check(response) == []
    told = issues(response, questionnaire, "R")
    return [(str(issue.message).removeprefix("questionnaire-"), issue.expression) for issue in told]


TEXT = {"linkId": "1", "type": "string"}
YES = {"valueBoolean": True}


def test_an_item_that_is_not_asked() -> None:
    assert found([TEXT], [item("1", {"valueString": "x"})]) == []
    assert found([TEXT], [item("2", {"valueString": "x"})]) == [("link", "R.item[0].linkId")]


def test_items_in_another_order() -> None:
    questions = [TEXT, TEXT | {"linkId": "2"}]
    answer = {"valueString": "x"}
    assert found(questions, [item("1", answer), item("2", answer)]) == []
    assert found(questions, [item("2", answer), item("1", answer)]) == [("order", "R.item[1]")]


def test_required_answers() -> None:
    question = TEXT | {"required": True}
    assert found([question], [item("1", {"valueString": "x"})]) == []
    assert found([question], []) == [("required", "R")]
    assert found([question], [item("1")]) == [("required", "R")]
    assert found([question], [], "in-progress") == []


def test_required_answers_in_a_group() -> None:
    group = {"linkId": "g", "type": "group", "item": [TEXT | {"required": True}]}
    assert found([group], []) == []
    assert found([group], [item("g")]) == [("required", "R.item[0]")]


def test_groups_and_displays_have_no_answers() -> None:
    group = {"linkId": "g", "type": "group", "item": [TEXT]}
    assert ("answer-type", "R.item[0].answer") in found([group], [item("g", YES)])
    assert found([{"linkId": "d", "type": "display", "text": "x"}], [item("d")]) == []


def test_repeated_answers() -> None:
    answers = ({"valueString": "x"}, {"valueString": "y"})
    assert found([TEXT | {"repeats": True}], [item("1", *answers)]) == []
    assert found([TEXT], [item("1", *answers)]) == [("repeats", "R.item[0].answer")]
    assert found([TEXT], [item("1", answers[0])] * 2) == [("repeats", "R")]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("boolean", {"valueBoolean": True}, {"valueString": "true"}),
        ("integer", {"valueInteger": 1}, {"valueDecimal": Decimal(1)}),
        ("decimal", {"valueDecimal": Decimal("1.5")}, {"valueInteger": 1}),
        ("date", {"valueDate": "2024"}, {"valueDateTime": "2024"}),
        ("text", {"valueString": "x"}, {"valueUri": "x"}),
        ("url", {"valueUri": "http://x.org"}, {"valueString": "x"}),
        ("choice", {"valueCoding": {"code": "x"}}, {"valueBoolean": True}),
        ("quantity", {"valueQuantity": {"value": 1}}, {"valueInteger": 1}),
        ("reference", {"valueReference": {"reference": "Patient/1"}}, {"valueString": "x"}),
    ],
)
def test_the_type_of_an_answer(kind: str, right: Item, wrong: Item) -> None:
    question = {"linkId": "1", "type": kind}
    assert found([question], [item("1", right)]) == []
    assert found([question], [item("1", wrong)]) == [("answer-type", "R.item[0].answer[0].value")]


def test_options() -> None:
    question = {
        "linkId": "1",
        "type": "choice",
        "answerOption": [{"valueCoding": {"system": "http://x.org", "code": "a", "display": "A"}}],
    }
    right = {"valueCoding": {"system": "http://x.org", "code": "a"}}
    wrong = {"valueCoding": {"system": "http://x.org", "code": "b"}}
    assert found([question], [item("1", right)]) == []
    assert found([question], [item("1", wrong)]) == [("option", "R.item[0].answer[0].value")]
    assert found([question | {"type": "open-choice"}], [item("1", {"valueString": "other"})]) == []
    assert found([question], [item("1", {"valueString": "other"})]) == [
        ("option", "R.item[0].answer[0].value")
    ]


def test_the_length_of_an_answer() -> None:
    question = TEXT | {"maxLength": 3}
    assert found([question], [item("1", {"valueString": "abc"})]) == []
    assert found([question], [item("1", {"valueString": "abcd"})]) == [
        ("max-length", "R.item[0].answer[0].value")
    ]


def when(operator: str, **answer: Any) -> Item:
    return {"question": "1", "operator": operator} | answer


NUMBER = {"linkId": "1", "type": "integer"}


@pytest.mark.parametrize(
    ("condition", "value", "enabled"),
    [
        (when("exists", answerBoolean=True), 1, True),
        (when("exists", answerBoolean=True), None, False),
        (when("exists", answerBoolean=False), None, True),
        (when("=", answerInteger=1), 1, True),
        (when("=", answerInteger=1), 2, False),
        (when("!=", answerInteger=1), 2, True),
        (when("!=", answerInteger=1), 1, False),
        (when(">", answerInteger=1), 2, True),
        (when(">", answerInteger=1), 1, False),
        (when(">=", answerInteger=1), 1, True),
        (when("<", answerInteger=1), 0, True),
        (when("<=", answerInteger=1), 2, False),
    ],
)
def test_what_is_enabled(condition: Item, value: int | None, enabled: bool) -> None:
    question = {"linkId": "2", "type": "boolean", "required": True, "enableWhen": [condition]}
    first = [] if value is None else [item("1", {"valueInteger": value})]
    assert found([NUMBER, question], first) == ([("required", "R")] if enabled else [])
    assert found([NUMBER, question], [*first, item("2", YES)]) == ([] if enabled else [("enabled", "R")])


@pytest.mark.parametrize(("behavior", "enabled"), [("any", True), ("all", False)])
def test_several_conditions(behavior: str, enabled: bool) -> None:
    conditions = [when("=", answerInteger=1), when("=", answerInteger=2)]
    question = {"linkId": "2", "type": "boolean", "enableWhen": conditions, "enableBehavior": behavior}
    given = [item("1", {"valueInteger": 1}), item("2", YES)]
    assert found([NUMBER, question], given) == ([] if enabled else [("enabled", "R")])


def test_items_below_an_answer() -> None:
    question = TEXT | {"item": [{"linkId": "1.1", "type": "boolean", "required": True}]}
    answer = {"valueString": "x", "item": [item("1.1", YES)]}
    assert found([question], [item("1", answer)]) == []
    assert found([question], [item("1", {"valueString": "x"})]) == [("required", "R.item[0].answer[0]")]
