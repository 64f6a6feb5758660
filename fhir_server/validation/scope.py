"""What only the whole resource can judge, gathered while its elements are checked."""

from typing import Any, NamedTuple

from fhir_server.resource import encode


class Contained(NamedTuple):
    id: str
    place: int  # in `contained`
    scope: "Scope"


class Scope:
    """One resource, contained or not.

    Pairs are (text, where it stands); the fast pass leaves the place empty.
    """

    __slots__ = ("contained", "criteria", "fragments", "uris")

    def __init__(self) -> None:
        self.fragments: list[tuple[str, str]] = []  # `#x` as a reference: what it names must be there
        self.uris: list[str] = []  # `#x` as a uri: counts as a use of what it names
        self.criteria: list[tuple[str, str]] = []  # `Patient?identifier=…`: for entries of bundles only
        self.contained: list[Contained] | None = None  # None: the resource contains none

    def uses(self) -> set[str]:
        """Ids of contained resources that are referred to; "" is the resource that contains them."""
        return {text[1:] for text, _ in self.fragments} | {text[1:] for text in self.uris}


def shown(value: Any) -> str:
    """A client's value in a message, as the client wrote it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


SHOWN = 100  # characters
