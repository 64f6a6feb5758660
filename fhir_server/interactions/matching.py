"""What the conditions of a transaction's entries and its conditional references are about.

https://hl7.org/fhir/R4/http.html#trules
"""

from collections.abc import Iterable

from fhir_server.interactions.changes import Change, match
from fhir_server.interactions.conditional import too_many_matches
from fhir_server.interactions.context import Context
from fhir_server.interactions.criteria import compile_criteria
from fhir_server.interactions.entries import expression, located
from fhir_server.interactions.request import Request
from fhir_server.interactions.targets import Targets, criteria_of
from fhir_server.outcome import FhirError, invalid, no_match
from fhir_server.store.algebra import Node
from fhir_server.store.protocol import Reader


def require_unique_urls(changes: Iterable[Change]) -> None:
    """bdl-7: https://hl7.org/fhir/R4/bundle.html#bundle-unique"""
    first: dict[str, int] = {}
    for change in changes:
        if change.full_url and first.setdefault(change.full_url, change.number) != change.number:
            at = f"{expression(change.number)}.fullUrl"
            raise invalid(f"{change.full_url!r} stands at {expression(first[change.full_url])} too", at)


def require_distinct(changes: Iterable[Change]) -> None:
    """ "If any resource identities (including resolved identities from conditional update/delete) overlap …
    then the transaction SHALL fail."
    """
    first: dict[tuple[str, str | Node], int] = {}
    for change in changes:
        names: list[tuple[str, str | Node]] = [(change.resource_type, id_) for id_ in change.ids]
        # two that find nothing would make two resources where each asks for one
        if change.where is not None and change.kind != "delete":
            names.append((change.resource_type, change.where))
        for name in names:
            if first.setdefault(name, change.number) != change.number:
                what = (
                    f"{change.resource_type}/{name[1]}" if isinstance(name[1], str) else "the same criteria"
                )
                text = (
                    f"{what} stands for {expression(first[name])} too, a transaction has each resource once"
                )
                raise invalid(text, expression(change.number))


async def require_apart(reader: Reader, changes: Iterable[Change]) -> None:
    """The conditions must tell the written resources apart also when all of them are there.

    Else the outcome would depend on the order of the entries.
    """
    written: dict[str, dict[str, int]] = {}
    for change in changes:
        if change.writes:
            written.setdefault(change.resource_type, {})[change.ids[0]] = change.number
    for change in changes:
        others = written.get(change.resource_type, {})
        if change.where is None or not change.writes or len(others) == 1:
            continue
        for _, id_ in await reader.identities(change.resource_type, change.where, 3):
            if id_ != change.ids[0] and id_ in others:
                text = (
                    f"{expression(others[id_])} fits the criteria too, a transaction has each resource once"
                )
                raise invalid(text, expression(change.number))


async def match_all(context: Context, reader: Reader, changes: Iterable[Change]) -> None:
    for change in changes:
        try:
            await match(context, reader, change)
        except FhirError as error:
            raise located(error, change.number) from None


async def guess(context: Context, reader: Reader, changes: Iterable[Change]) -> None:
    """The matches that are there before the lock is taken; what fails may be right inside."""
    for change in changes:
        try:
            await match(context, reader, change)
        except FhirError:
            change.ids = [change.fresh_id]


class ConditionalReferences:
    """`Patient?identifier=12345`: https://hl7.org/fhir/R4/http.html#trules"""

    def __init__(self, context: Context, request: Request, targets: Targets) -> None:
        self._context = context
        self._request = request
        self._targets = targets
        self._nodes: dict[str, tuple[str, Node]] = {}
        self._confirmed: set[str] = set()

    async def unconfirmed(self, changes: Iterable[Change]) -> dict[str, int]:
        """Those that were not looked up inside the lock yet, each with the first entry that has it."""
        found: dict[str, int] = {}
        for change in changes:
            if not change.writes or change.rewritten is None:
                continue
            for link in change.rewritten.used:
                if link in self._targets.references or link in self._confirmed:
                    continue
                if await self._node(link, change.number):
                    found.setdefault(link, change.number)
        return found

    def type_of(self, text: str) -> str:
        return self._nodes[text][0]

    async def _node(self, text: str, number: int) -> tuple[str, Node] | None:
        found = self._nodes.get(text)
        if found is None and (parts := criteria_of(self._context.definitions, text)):
            resource_type, query = parts
            try:
                node = await compile_criteria(self._context, self._request, resource_type, query)
            except FhirError as error:
                raise located(error, number) from None
            found = self._nodes[text] = resource_type, node
        return found

    async def confirm(self, reader: Reader, texts: dict[str, int], *, required: bool) -> bool:
        """Look up the matches; whether any was found. Raises 412 for several, or if required for none."""
        progress = False
        for text, number in texts.items():
            identities = await self._matches(reader, text)
            if len(identities) > 1:
                raise too_many_matches(self.type_of(text), expression(number))
            if identities:
                self._targets.matches[text] = "/".join(identities[0])
                self._confirmed.add(text)
                progress = True
            elif required:
                raise no_match(f"no {self.type_of(text)} fits {text!r}", expression(number))
        return progress

    async def guess(self, reader: Reader, texts: Iterable[str]) -> None:
        """The matches that are there before the lock is taken."""
        for text in texts:
            identities = await self._matches(reader, text)
            if len(identities) == 1:
                self._targets.matches[text] = "/".join(identities[0])

    async def _matches(self, reader: Reader, text: str) -> list[tuple[str, str]]:
        resource_type, where = self._nodes[text]
        return await reader.identities(resource_type, where, 2)
