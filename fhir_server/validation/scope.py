"""What only the whole resource can judge, gathered while its elements are checked."""

from typing import Any, NamedTuple

from fhir_server.fhirpath.scope import Scope as Evaluation
from fhir_server.resource import encode


class Contained(NamedTuple):
    id: str
    place: int  # in `contained`
    scope: "Scope"


class Scope:
    """One resource, contained or not.

    Pairs are (text, where it stands); the fast pass leaves the place empty.
    """

    __slots__ = ("_evaluation", "contained", "criteria", "fragments", "narrative", "resource", "root", "uris")

    def __init__(self, resource: Any = None, root: Any = None) -> None:
        self.resource = resource
        self.root = root  # the resource that contains it; None: it is contained in none
        self._evaluation: Evaluation | None = None
        self.narrative: str | None = None  # the XHTML that was found to be fine in all respects
        self.fragments: list[tuple[str, str]] = []  # `#x` as a reference: what it names must be there
        self.uris: list[str] = []  # `#x` as a uri: counts as a use of what it names
        self.criteria: list[tuple[str, str]] = []  # `Patient?identifier=…`: for entries of bundles only
        self.contained: list[Contained] | None = None  # None: the resource contains none

    @property
    def evaluation(self) -> Evaluation:
        """For constraints that look at more than their element."""
        if self._evaluation is None:
            self._evaluation = Evaluation(self.resource, self.root)
        return self._evaluation

    def uses(self) -> set[str]:
        """Ids of contained resources that are referred to; "" is the resource that contains them."""
        return {text[1:] for text, _ in self.fragments} | {text[1:] for text in self.uris}


def shown(value: Any) -> str:
    """A client's value in a message, as the client wrote it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


SHOWN = 100  # characters
