"""What is indexed is found by its own value: every official example by each value of each of its parameters.

The values are selected by FHIRPath, not by the walk that made the index rows, and searched in a real store.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from fhir_server.clock import system_clock
from fhir_server.fhirpath import compile_expression
from fhir_server.resource import Resource, content, decode
from fhir_server.search.columns import Parameter, columns_of
from fhir_server.store.algebra import And, IdIn
from fhir_server.store.protocol import Content, Store, Transaction
from fhir_server.store.sqlite import open_store
from tests.examples import official_examples
from tests.search.searching import compiled, definitions, indexer


class Case(NamedTuple):
    resource_type: str
    id: str
    parameter: str
    value: str


def examples() -> Iterator[Resource]:
    for number, (_, text) in enumerate(official_examples()):
        resource = decode(text)
        yield resource if "id" in resource else resource | {"id": f"example-{number}"}


def cases(resource: Resource) -> Iterator[Case]:
    """A search for each value that a parameter selects in the resource."""
    for parameter in columns_of(definitions()).parameters(resource["resourceType"]):
        for value in values(parameter, resource):
            yield Case(resource["resourceType"], resource["id"], parameter.code, value)
        for modifier, value in modified_values(parameter, resource):
            yield Case(resource["resourceType"], resource["id"], f"{parameter.code}:{modifier}", value)


def modified_values(parameter: Parameter, resource: Resource) -> Iterator[tuple[str, str]]:
    """What the modifiers compare that need nothing but the resource."""
    expression = parameter.definition.expression
    if parameter.not_indexed or expression is None or parameter.type not in ("token", "uri"):
        return
    compiled_expression = compile_expression(expression, definitions(), parameter.resource_type)
    for type_name, value in compiled_expression.typed(resource):
        match type_name:
            case "CodeableConcept":
                texts = [value.get("text"), *(each.get("display") for each in value.get("coding", ()))]
                yield from (("text", escaped(text)) for text in texts if text and text.strip())
            case "Coding" if value.get("display"):
                yield "text", escaped(value["display"])
            case "Identifier" if "type" in value:
                yield from of_type(value)
            case "uri" | "url" | "canonical" if parameter.type == "uri" and value.count("/") > 2:
                yield "below", escaped(value)
                yield "below", escaped(value.rpartition("/")[0])
                yield "above", escaped(f"{value}/x")


def of_type(identifier: dict[str, Any]) -> Iterator[tuple[str, str]]:
    type_ = identifier["type"]
    if text := type_.get("text"):
        yield "text", escaped(text)
    for coding in type_.get("coding", ()):
        parts = [coding.get("system"), coding.get("code"), identifier.get("value")]
        if all(parts):
            yield "of-type", "|".join(escaped(part or "") for part in parts)


def values(parameter: Parameter, resource: Resource) -> Iterator[str]:
    if parameter.not_indexed or parameter.definition.expression is None or parameter.code == "_lastUpdated":
        return
    if parameter.composites:
        yield from composite_values(parameter, resource)
        return
    expression = parameter.definition.expression
    assert expression is not None
    if parameter.type == "reference":
        # references are not resolved here, so `where(resolve() is Patient)` is done by hand
        expression = " | ".join(part.partition(".where(resolve()")[0] for part in expression.split(" | "))
    for type_name, value in compile_expression(expression, definitions(), parameter.resource_type).typed(
        resource
    ):
        for text in TEXTS[parameter.type](type_name, value):
            if parameter.type != "reference" or is_meant(parameter, text):
                yield text


def is_meant(parameter: Parameter, text: str) -> bool:
    narrowed = [column.targets for column in parameter.columns if column.narrowed]
    if len(narrowed) < len(parameter.columns):
        return True
    return any(f"{target}/" in text for targets in narrowed for target in targets)


def composite_values(parameter: Parameter, resource: Resource) -> Iterator[str]:
    for part in (parameter.definition.expression or "").split(" | "):
        if part.split(".")[0] != resource["resourceType"]:
            continue
        for type_name, item in compile_expression(part, definitions(), parameter.resource_type).typed(
            resource
        ):
            texts = []
            for composite in parameter.composites[:1]:
                for component, (_, expression) in zip(
                    composite.components, parameter.definition.components, strict=True
                ):
                    texts.append(
                        component_values(component.columns[0].type, expression, type_name, item, resource)
                    )
            if all(texts):
                yield "$".join(found[0] for found in texts)


def component_values(
    parameter_type: str, expression: str, type_name: str, item: Any, resource: Resource
) -> list[str]:
    if expression.startswith("%resource."):
        expression, type_name, item = (
            expression.removeprefix("%resource."),
            resource["resourceType"],
            resource,
        )
    expression = expression.replace("DateTime", "dateTime")
    selected = compile_expression(expression, definitions(), type_name).typed(item)
    return [text for name, value in selected for text in TEXTS[parameter_type](name, value)]


def escaped(text: str) -> str:
    for character in "\\,$|":
        text = text.replace(character, "\\" + character)
    return text


def token_texts(type_name: str, value: Any) -> Iterator[str]:
    match type_name:
        case "CodeableConcept":
            for coding in value.get("coding", ()):
                yield from token_texts("Coding", coding)
        case "Coding" | "Identifier":
            system, code = value.get("system"), value.get("value" if type_name == "Identifier" else "code")
            if code:
                yield escaped(code)
                yield f"{escaped(system or '')}|{escaped(code)}"
            if system:
                yield f"{escaped(system)}|"
        case "ContactPoint":
            if text := value.get("value"):
                yield escaped(text)
        case "Extension":
            yield from of_extension(token_texts, value)
        case _ if not isinstance(value, dict):
            yield escaped(str(value).lower() if isinstance(value, bool) else str(value))


def string_texts(type_name: str, value: Any) -> Iterator[str]:
    if type_name == "Extension":
        yield from of_extension(string_texts, value)
        return
    parts: list[Any] = [value]
    if type_name == "HumanName":
        names = ("family", "text")
        parts = [value.get(name) for name in names] + [
            part for name in ("given", "prefix", "suffix") for part in value.get(name, ())
        ]
    elif type_name == "Address":
        names = ("text", "city", "district", "state", "postalCode", "country")
        parts = [value.get(name) for name in names] + value.get("line", [])
    for text in parts:
        if isinstance(text, str) and text.strip():
            yield escaped(text)


def date_texts(type_name: str, value: Any) -> Iterator[str]:
    match type_name:
        case "Period":
            if start := value.get("start"):
                yield f"le{value.get('end', start)}"
            if end := value.get("end"):
                yield f"ge{value.get('start', end)}"
        case "Timing":
            for event in value.get("event", ()):
                yield f"ge{event}"
            if bounds := value.get("repeat", {}).get("boundsPeriod"):
                yield from date_texts("Period", bounds)
        case "date" | "dateTime" | "instant":
            yield value


def quantity_texts(type_name: str, value: Any) -> Iterator[str]:
    match type_name:
        case "Range":
            for prefix, end in (("ge", value.get("low")), ("le", value.get("high"))):
                if end and "value" in end:
                    yield f"{prefix}{end['value']}"
        case "SampledData":
            return
        case "Money":
            if "value" in value:
                yield f"{value['value']}|urn:iso:std:iso:4217|{value['currency']}"
        case _:
            yield from _quantity(value)


def _quantity(value: Any) -> Iterator[str]:
    number = value.get("value")
    if number is None:
        return
    prefix = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}.get(value.get("comparator"), "")
    yield f"{prefix}{number}"
    if "system" in value and "code" in value:
        yield f"{prefix}{number}|{escaped(value['system'])}|{escaped(value['code'])}"
    for unit in {value.get("unit"), value.get("code")} - {None, ""}:
        yield f"{prefix}{number}||{escaped(unit)}"


def number_texts(type_name: str, value: Any) -> Iterator[str]:
    if type_name == "Range":
        yield from quantity_texts("Range", value)
    elif isinstance(value, int | Decimal):
        yield str(value)


def reference_texts(type_name: str, value: Any) -> Iterator[str]:
    if type_name == "Reference":
        text = value.get("reference", "#")
        if not text.startswith("#"):
            yield escaped(text)
            yield escaped(text.partition("/_history/")[0])
    elif isinstance(value, str) and not value.startswith("#"):
        yield escaped(value)
        yield escaped(value.partition("|")[0])
    elif isinstance(value, dict) and "id" in value:
        yield f"{value['resourceType']}/{value['id']}"


def uri_texts(type_name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield escaped(value)


def position_texts(type_name: str, value: Any) -> Iterator[str]:
    yield f"{value['latitude']}|{value['longitude']}|1|m"


def of_extension(texts: Any, extension: Any) -> Iterator[str]:
    for name, value in extension.items():
        if name.startswith("value"):
            rest = name.removeprefix("value")
            type_name = rest if isinstance(value, dict) else rest[0].lower() + rest[1:]
            yield from texts(type_name, value)


TEXTS: dict[str, Any] = {
    "token": token_texts,
    "string": string_texts,
    "date": date_texts,
    "quantity": quantity_texts,
    "number": number_texts,
    "reference": reference_texts,
    "uri": uri_texts,
    "special": position_texts,
}


async def missed(store: Store, chosen: list[Case]) -> list[Case]:
    """The cases whose resource is not found."""
    found = []
    for case in chosen:
        search = compiled(f"{case.resource_type}?{case.parameter}={quote(case.value)}")
        where = And((IdIn((case.id,)), search.where))
        if not await store.identities(case.resource_type, where, 1):
            found.append(case)
    return found


async def loaded(path: Path) -> Store:
    store = open_store(path, extract=indexer().extract, clock=system_clock)

    async def work(transaction: Transaction) -> None:
        for resource in examples():
            made = Content(
                resource["resourceType"], resource["id"], content(resource), indexer().rows(resource)
            )
            await transaction.put(made, method="PUT")

    await store.transaction(work)
    return store


def test_what_is_indexed_is_found(tmp_path: Path) -> None:
    every = list(dict.fromkeys(case for resource in examples() for case in cases(resource)))
    assert len(every) > 10_000
    assert len({(case.resource_type, case.parameter) for case in every}) > 900
    assert {"text", "of-type", "below", "above"} == {case.parameter.partition(":")[2] for case in every} - {
        ""
    }

    async def searched() -> list[Case]:
        store = await loaded(tmp_path / "store")
        try:
            return await missed(store, every)
        finally:
            await store.close()

    assert asyncio.run(searched()) == []
