"""A code system whose codes another terminology server has.

https://hl7.org/fhir/R4/codesystem-operations.html, https://hl7.org/fhir/R4/valueset-operations.html
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.resource import Resource
from fhir_server.terminology.concepts import About, Concept, Designation, Filter, Property, Selection
from fhir_server.terminology.inline import is_abstract, is_inactive
from fhir_server.terminology.remote import RemoteServer

_AT_ONCE = 8  # requests
_BELOW = 100_000  # codes that are asked for at once


async def remote_code_system(
    server: RemoteServer, url: str, version: str | None
) -> "RemoteCodeSystem | None":
    """None: the server has none with this url."""
    asked = {"url": url, "_elements": "url,version,name,caseSensitive", "_count": "1"}
    if version is not None:
        asked["version"] = version
    found = await server.get("CodeSystem", asked)
    entries = [] if found is None else found.get("entry", [])
    if not entries:
        return None
    resource = entries[0].get("resource", {})
    about = About(url, version or resource.get("version"), resource.get("name"), case_sensitive=True)
    return RemoteCodeSystem(server, about, version)


@dataclass(frozen=True, slots=True)
class RemoteCodeSystem:
    server: RemoteServer
    about: About
    version: str | None  # None: the one that the server thinks right

    async def concept(self, code: str) -> Concept | None:
        found = await self.server.get("CodeSystem/$lookup", self._asked(code=code))
        return None if found is None else _concept(code, found)

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(code: str) -> tuple[str, Concept | None]:
            async with limit:
                return code, await self.concept(code)

        found = await asyncio.gather(*map(one, codes))
        return {code: concept for code, concept in found if concept is not None}

    async def parents(self, code: str) -> Sequence[str]:
        return await self._related(code, "parent")

    async def children(self, code: str) -> Sequence[str]:
        return await self._related(code, "child")

    async def _related(self, code: str, name: str) -> list[str]:
        found = await self.server.get("CodeSystem/$lookup", self._asked(code=code, property=name))
        return [] if found is None else [each.value for each in _properties(found) if each.code == name]

    async def above(self, code: str) -> frozenset[str]:
        return await self._all(Filter("concept", "generalizes", code)) - {code}

    async def below(self, code: str) -> frozenset[str]:
        return await self._all(Filter("concept", "is-a", code)) - {code}

    async def _all(self, filter_: Filter) -> frozenset[str]:
        selection = await self.select((filter_,))
        return frozenset(concept.code for _, concept in await selection.page((), -1, _BELOW))

    async def subsumes(self, above: str, below: str) -> bool:
        asked = self._asked(codeA=above, codeB=below)
        found = await self.server.get("CodeSystem/$subsumes", asked)
        return found is not None and _out(found, "outcome") == "subsumes"

    async def select(self, filters: tuple[Filter, ...]) -> Selection:
        include: dict[str, Any] = {"system": self.about.url}
        if self.version is not None:
            include["version"] = self.version
        if filters:
            include["filter"] = [
                {"property": each.property, "op": each.op, "value": each.value} for each in filters
            ]
        return _Selected(
            self, {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}
        )

    def _asked(self, **parameters: str) -> Mapping[str, str]:
        version = {} if self.version is None else {"version": self.version}
        return {"system": self.about.url, **version, **parameters}


@dataclass(frozen=True, slots=True)
class _Selected:
    system: RemoteCodeSystem
    value_set: Resource

    async def page(
        self, phrases: tuple[str, ...], after: int, limit: int, skip: int = 0
    ) -> list[tuple[int, Concept]]:
        offset = after + 1 + skip
        found = await self._expanded(phrases, offset, limit)
        return list(enumerate(_contained(found.get("contains", ())), offset))

    async def having(self, codes: Collection[str]) -> dict[str, Concept]:
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(code: str) -> tuple[str, bool]:
            asked = _parameters(
                self.value_set, valueUri={"system": self.system.about.url}, valueCode={"code": code}
            )
            async with limit:
                found = await self.system.server.post("ValueSet/$validate-code", asked)
            return code, found is not None and _out(found, "result") is True

        there = [code for code, is_in in await asyncio.gather(*map(one, codes)) if is_in]
        concepts = await self.system.concepts(there)
        return {code: concepts.get(code, Concept(code)) for code in there}

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        total = (await self._expanded(phrases, 0, 0)).get("total")
        return total if isinstance(total, int) else None

    async def _expanded(self, phrases: tuple[str, ...], offset: int, count: int) -> Resource:
        asked = _parameters(self.value_set, valueInteger={"offset": offset, "count": count})
        if phrases:
            asked["parameter"].append({"name": "filter", "valueString": " ".join(map(_written, phrases))})
        found = await self.system.server.post("ValueSet/$expand", asked)
        expansion: Resource = {} if found is None else found.get("expansion", {})
        return expansion


def _written(phrase: str) -> str:
    """A phrase as somebody would have typed it: ideographs without blanks between."""
    return phrase.strip() if phrase.isascii() else phrase.replace(" ", "")


def _parameters(value_set: Resource, **values: Mapping[str, Any]) -> Resource:
    parts: list[dict[str, Any]] = [{"name": "valueSet", "resource": value_set}]
    parts += [
        {"name": name, type_: value} for type_, named in values.items() for name, value in named.items()
    ]
    return {"resourceType": "Parameters", "parameter": parts}


def _out(found: Resource, name: str) -> Any:
    return next((_value(each) for each in found.get("parameter", ()) if each.get("name") == name), None)


def _value(parameter: dict[str, Any]) -> Any:
    return next((parameter[name] for name in parameter if name.startswith("value")), None)


def _parts(parameter: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each.get("name", ""): each for each in parameter.get("part", ())}


def _properties(found: Resource) -> Iterator[Property]:
    for parameter in found.get("parameter", ()):
        parts = _parts(parameter)
        if parameter.get("name") == "property" and "code" in parts and "value" in parts:
            type_ = next((name for name in parts["value"] if name.startswith("value")), "valueString")
            yield Property(_value(parts["code"]), type_, _value(parts["value"]))


def _concept(code: str, found: Resource) -> Concept:
    properties = tuple(_properties(found))
    designations = tuple(
        Designation(_value(parts["value"]), _value(parts.get("language", {})), _value(parts.get("use", {})))
        for parameter in found.get("parameter", ())
        if parameter.get("name") == "designation" and "value" in (parts := _parts(parameter))
    )
    definition = next((each.value for each in properties if each.code == "definition"), None)
    return Concept(
        code=code,
        display=_out(found, "display"),
        definition=definition,
        designations=designations,
        properties=tuple(each for each in properties if each.code not in ("parent", "child", "definition")),
        inactive=is_inactive(properties),
        abstract=is_abstract(properties),
    )


def _contained(contains: Sequence[dict[str, Any]]) -> Iterator[Concept]:
    for item in contains:
        if "code" in item:
            yield Concept(
                item["code"],
                item.get("display"),
                inactive=item.get("inactive") is True,
                abstract=item.get("abstract") is True,
            )
        yield from _contained(item.get("contains", ()))
