"""Questionnaire: conditions are about items that it has.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen.question
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.outcome import Issue
from fhir_server.resource import Resource
from fhir_server.validation.scope import shown


def issues(questionnaire: Resource, at: str) -> Iterator[Issue]:
    items = list(_items(questionnaire, at))
    links = {item.get("linkId") for item, _ in items}
    for item, place in items:
        for index, condition in enumerate(item.get("enableWhen", ())):
            question = condition.get("question")
            if question is not None and question not in links:
                here = f"{place}.enableWhen[{index}].question"
                text = f"{here}: no item has the linkId {shown(question)}"
                yield Issue("error", "not-found", text, here, "questionnaire-enable-when")


def _items(parent: dict[str, Any], at: str) -> Iterator[tuple[dict[str, Any], str]]:
    for index, item in enumerate(parent.get("item", ())):
        yield item, f"{at}.item[{index}]"
        yield from _items(item, f"{at}.item[{index}]")
