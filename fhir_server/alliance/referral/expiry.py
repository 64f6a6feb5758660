"""T13: referrals that nobody answered in time fail, by the server's own act, through the gate of all writes.

One process does it, the one that leads. It keeps nothing that a restart could lose: the store says what is
overdue. A Task that was answered meanwhile is left alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fhir_server.alliance.referral.elements import BUSINESS_STATUS, TASK_PROFILE, claims, concept
from fhir_server.alliance.referral.parties import bound
from fhir_server.alliance.systems import code_system
from fhir_server.clock import format_instant
from fhir_server.interactions.answer import etag
from fhir_server.interactions.context import Context
from fhir_server.interactions.criteria import compile_criteria
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import SERVER, Request
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from fhir_server.store.algebra import Query
from fhir_server.store.protocol import Hit, Version

LOOK_AFTER_S = 10.0
"""Between two looks, so long a referral may be overdue and not failed."""
AT_ONCE = 100
"""Tasks that one look reads; the next goes on behind them."""

_LOG = logging.getLogger("fhir_server.jobs")


class Expiry:
    def __init__(
        self,
        context: Callable[[], Awaitable[Context]],
        lead: Callable[[], bool],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """context: for the rules of indexing as they are now. lead: whether this process works on jobs."""
        self._context = context
        self._lead = lead
        self._sleep = sleep
        self._after: tuple[object, ...] | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                if self._lead():
                    while await self.look() == AT_ONCE:
                        await self._sleep(0)
            except FhirError as error:
                _LOG.warning("referrals wait to expire: %s", error.issues[0].code)
            await self._sleep(LOOK_AFTER_S)

    async def look(self) -> int:
        """Fail what is overdue among the next Tasks; how many were read."""
        context = await self._context()
        now_ms = context.clock()
        hits = await self._candidates(context, now_ms)
        for hit in hits:
            task: Resource = decode(hit.version.body)
            if claims(task, TASK_PROFILE) and _is_overdue(task, now_ms) and not _is_sample(task):
                await self._expire(context, hit.version, task)
        self._after = hits[-1].position if len(hits) == AT_ONCE else None
        return len(hits)

    async def _candidates(self, context: Context, now_ms: int) -> list[Hit]:
        """By the search parameter `deadline` where the alliance's package is indexed; else all that wait."""
        criteria = "status=requested"
        if "deadline" in context.definitions.search_parameters("Task"):
            criteria += f"&deadline=lt{format_instant(now_ms)}"
        request = Request("GET", resource_type="Task", organization=SERVER)
        where = await compile_criteria(context, request, "Task", criteria)
        page = await context.store.find(Query(("Task",), where, AT_ONCE, after=self._after))
        return page.hits

    async def _expire(self, context: Context, version: Version, task: Resource) -> None:
        end = task["restriction"]["period"]["end"]
        failed = task | {
            "status": "failed",
            "businessStatus": concept(BUSINESS_STATUS, "expired", "超时未应答"),
            "statusReason": {"text": f"超过应答时限 {end}"},
        }
        request = Request(
            "PUT",
            resource_type="Task",
            id=version.id,
            resource=failed,
            if_match=etag(version.version_id),
            organization=SERVER,
        )
        try:
            await perform(context, request)
        except FhirError as error:
            if error.status == 503:
                raise
            if error.status != 412:  # it was answered meanwhile
                _LOG.warning("Task/%s does not expire: %s", version.id, error.issues[0].code)


def _is_sample(task: Resource) -> bool:
    """The days of the demonstration are over, whenever it is shown: what waits in it goes on waiting."""
    return any(tag.get("system") == code_system("sample-data") for tag in task.get("meta", {}).get("tag", ()))


def _is_overdue(task: Resource, now_ms: int) -> bool:
    end = task.get("restriction", {}).get("period", {}).get("end")
    return end is not None and bound(end, last=True) < now_ms
