"""Questionnaires: https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen.question"""

from typing import Any

from fhir_server.validation.questionnaire import issues
from tests.validation.checking import validator


def asking(question: str) -> dict[str, Any]:
    """A condition of the inner item."""
    condition = {"question": question, "operator": "exists", "answerBoolean": True}
    inner = {"linkId": "1.1", "type": "string", "enableWhen": [condition]}
    items = [{"linkId": "1", "type": "group", "item": [inner]}, {"linkId": "2", "type": "string"}]
    found = {"resourceType": "Questionnaire", "status": "draft", "item": items}
    assert validator().check(found) == []
    return found


def test_a_condition_is_about_an_item_that_is_there() -> None:
    assert list(issues(asking("2"), "Questionnaire")) == []


def test_a_condition_about_an_item_that_is_not_there() -> None:
    (issue,) = issues(asking("3"), "Questionnaire")
    at = "Questionnaire.item[0].item[0].enableWhen[0].question"
    assert (issue.severity, issue.message, issue.expression) == ("error", "questionnaire-enable-when", at)
