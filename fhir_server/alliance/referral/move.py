"""A change of a referral's Task while it is being judged: what guards and effects look at."""

from dataclasses import dataclass, field

from fhir_server.alliance.referral.deadlines import Deadlines, shown
from fhir_server.alliance.referral.elements import reference
from fhir_server.alliance.referral.parties import Parties
from fhir_server.interactions.request import Request
from fhir_server.interactions.rules import Unit
from fhir_server.resource import Resource


@dataclass(slots=True)
class Move:
    unit: Unit
    request: Request
    before: Resource | None  # None: the Task is new
    after: Resource  # as the client wants it, what the server keeps put back in
    parties: Parties
    deadlines: Deadlines
    now_ms: int
    _focus: list[Resource | None] = field(default_factory=list)  # of one, once it was read

    @property
    def name(self) -> str:
        return f"Task/{self.after['id']}"

    @property
    def acting(self) -> str:
        assert self.request.organization is not None
        return self.request.organization

    @property
    def now(self) -> str:
        return self.when(self.now_ms)

    def when(self, instant_ms: int) -> str:
        return shown(instant_ms, self.deadlines.zone)

    async def focus(self) -> Resource | None:
        """The ServiceRequest."""
        if not self._focus:
            found = reference(self.after.get("focus"))
            self._focus.append(await self.unit.resource(found) if found else None)
        return self._focus[0]
