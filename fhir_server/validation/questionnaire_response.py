"""QuestionnaireResponse against its Questionnaire: items, answers, and which of them are needed.

https://hl7.org/fhir/R4/questionnaireresponse.html#6.36.5, https://hl7.org/fhir/R4/questionnaire.html
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhir_server.outcome import Issue, IssueCode
from fhir_server.resource import Resource
from fhir_server.validation.profile.fixed import equals, matches
from fhir_server.validation.scope import shown

Item = dict[str, Any]

# by the type of the question, the types that answers have
_ANSWERS: dict[str, frozenset[str]] = {
    "boolean": frozenset(("Boolean",)),
    "decimal": frozenset(("Decimal",)),
    "integer": frozenset(("Integer",)),
    "date": frozenset(("Date",)),
    "dateTime": frozenset(("DateTime",)),
    "time": frozenset(("Time",)),
    "string": frozenset(("String",)),
    "text": frozenset(("String",)),
    "url": frozenset(("Uri",)),
    "choice": frozenset(("Coding", "String", "Date", "Integer", "Time", "Reference")),
    "open-choice": frozenset(("Coding", "String", "Date", "Integer", "Time", "Reference")),
    "attachment": frozenset(("Attachment",)),
    "reference": frozenset(("Reference",)),
    "quantity": frozenset(("Quantity",)),
}
_COMPLETE = frozenset(("completed", "amended"))


def issues(response: Resource, questionnaire: Resource, at: str) -> Iterator[Issue]:
    check = _Check(response)
    yield from check.items(questionnaire.get("item", []), response.get("item", []), at)


def _issue(at: str, text: str, code: IssueCode, message: str) -> Issue:
    return Issue("error", code, f"{at}: {text}", at, f"questionnaire-{message}")


class _Check:
    def __init__(self, response: Resource) -> None:
        self._complete = response.get("status") in _COMPLETE
        self._answers: dict[str, list[tuple[str, Any]]] = {}
        self._gather(response.get("item", []))

    def _gather(self, items: list[Item]) -> None:
        """Answers by linkId, for enableWhen."""
        for item in items:
            found = self._answers.setdefault(str(item.get("linkId")), [])
            for answer in item.get("answer", ()):
                found += _values(answer)
                self._gather(answer.get("item", []))
            self._gather(item.get("item", []))

    def items(self, questions: list[Item], items: list[Item], at: str) -> Iterator[Issue]:
        """Items of one level: known, in order, once each, and those that are required."""
        order = [str(question.get("linkId")) for question in questions]
        last = -1
        for index, item in enumerate(items):
            place = f"{at}.item[{index}]"
            link = str(item.get("linkId"))
            if link not in order:
                text = f"{shown(link)} is no item of the Questionnaire here"
                yield _issue(f"{place}.linkId", text, "not-found", "link")
                continue
            if order.index(link) < last:
                yield _issue(
                    place, f"{shown(link)} stands in another order in the Questionnaire", "structure", "order"
                )
            last = max(last, order.index(link))
            yield from self._item(questions[order.index(link)], item, place)
        for question in questions:
            found = [item for item in items if str(item.get("linkId")) == str(question.get("linkId"))]
            yield from self._occurrences(question, found, at)

    def _occurrences(self, question: Item, found: list[Item], at: str) -> Iterator[Issue]:
        link, kind = shown(question.get("linkId")), question.get("type")
        enabled = self._enabled(question)
        if found and not enabled:
            yield _issue(
                at, f"{link} is answered, and not enabled by what is answered", "invariant", "enabled"
            )
        # an item without answers is as if it were not there, where a question is asked
        answered = [item for item in found if kind in ("group", "display") or item.get("answer")]
        if question.get("required") is True and enabled and self._complete and not answered:
            yield _issue(at, f"{link} is required and has no answer", "required", "required")
        if len(found) > 1 and not (kind == "group" and question.get("repeats") is True):
            yield _issue(at, f"{link} stands {len(found)} times, it may stand once", "structure", "repeats")

    def _item(self, question: Item, item: Item, at: str) -> Iterator[Issue]:
        answers = item.get("answer", [])
        kind = str(question.get("type"))
        if kind in ("group", "display"):
            if answers:
                yield _issue(f"{at}.answer", f"a {kind} has no answer", "structure", "answer-type")
            if kind == "group":
                yield from self.items(question.get("item", []), item.get("item", []), at)
            return
        if len(answers) > 1 and question.get("repeats") is not True:
            text = f"found {len(answers)}, the question allows one"
            yield _issue(f"{at}.answer", text, "structure", "repeats")
        for index, answer in enumerate(answers):
            place = f"{at}.answer[{index}]"
            yield from _answer(question, kind, answer, place)
            yield from self.items(question.get("item", []), answer.get("item", []), place)

    def _enabled(self, question: Item) -> bool:
        """https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""
        conditions = [self._holds(condition) for condition in question.get("enableWhen", ())]
        if not conditions:
            return True
        return any(conditions) if question.get("enableBehavior") == "any" else all(conditions)

    def _holds(self, condition: Item) -> bool:
        found = self._answers.get(str(condition.get("question")), [])
        (_, wanted), *_ = [*_values(condition, "answer"), ("", None)]
        operator = condition.get("operator")
        if operator == "exists":
            return bool(found) is wanted
        if operator == "!=":
            return bool(found) and not any(_same(value, wanted) for _, value in found)
        if operator == "=":
            return any(_same(value, wanted) for _, value in found)
        return any(_compares(value, str(operator), wanted) for _, value in found)


def _values(answer: Item, word: str = "value") -> list[tuple[str, Any]]:
    return [(name.removeprefix(word), value) for name, value in answer.items() if name.startswith(word)]


def _answer(question: Item, kind: str, answer: Item, at: str) -> Iterator[Issue]:
    for type_, value in _values(answer):
        if type_ not in _ANSWERS.get(kind, frozenset()):
            text = f"found {type_}, the question wants {kind}"
            yield _issue(f"{at}.value", text, "structure", "answer-type")
            continue
        most = question.get("maxLength")
        if isinstance(value, str) and isinstance(most, int) and len(value) > most:
            text = f"found {len(value)} characters, the question allows {most}"
            yield _issue(f"{at}.value", text, "too-long", "max-length")
        options = [option for one in question.get("answerOption", ()) for _, option in _values(one)]
        free = kind == "open-choice" and type_ == "String"
        if options and not free and not any(_same(value, option) for option in options):
            yield _issue(
                f"{at}.value", f"{shown(value)} is no option of the question", "code-invalid", "option"
            )


def _same(value: Any, wanted: Any) -> bool:
    """A Coding is its system and code, whatever it is displayed as."""
    if isinstance(wanted, dict) and "code" in wanted:
        return matches(value, {name: wanted[name] for name in ("system", "code") if name in wanted})
    return equals(value, wanted)


def _compares(value: Any, operator: str, wanted: Any) -> bool:
    if isinstance(value, dict) and isinstance(wanted, dict):
        value, wanted = value.get("value"), wanted.get("value")
    numbers = (int, Decimal)
    if not (isinstance(value, numbers) and isinstance(wanted, numbers)) and not (
        isinstance(value, str) and isinstance(wanted, str)
    ):
        return False
    match operator:
        case ">":
            return bool(value > wanted)  # type: ignore[operator]
        case "<":
            return bool(value < wanted)  # type: ignore[operator]
        case ">=":
            return bool(value >= wanted)  # type: ignore[operator]
        case "<=":
            return bool(value <= wanted)  # type: ignore[operator]
        case _:
            return False
