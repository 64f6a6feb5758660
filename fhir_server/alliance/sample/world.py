"""One network of the sample with its seed: where ids, numbers and chances come from."""

from dataclasses import dataclass
from random import Random

from fhir_server.alliance.identifiers import organization_check

LETTERS = "ABCD"
DEFAULT_SEED = 1
SIZES = {"A": 1104, "B": 14_044, "C": 1098, "D": 668}
"""Resources of each network, whatever the seed; what shows how far the load of one is."""


@dataclass(frozen=True, slots=True)
class World:
    """`letter`: one of the networks; another seed makes other people of the same kind and number."""

    letter: str
    seed: int = DEFAULT_SEED

    @property
    def mark(self) -> str:
        """What its ids have in front, so that networks and seeds can stand in one store; A has none."""
        if self.seed != DEFAULT_SEED:
            return f"{self.letter.lower()}{self.seed}-"
        return "" if self.letter == "A" else f"{self.letter.lower()}-"

    def id(self, kind: str, key: str | int) -> str:
        return f"{kind}-{self.mark}{key}"

    def chance(self, subject: str) -> Random:
        """One for each subject, so that one grows without moving the others."""
        return Random(f"alliance/{self.letter}/{self.seed}/{subject}")

    def organization_code(self, place: int) -> str:
        """GB 11714, of the member that is the one at `place`; below 1,000."""
        first = 44_881_001 + 1_000 * LETTERS.index(self.letter) + 4_000 * ((self.seed - 1) % 10_000)
        number = str(first + place)
        return number + organization_check(number)
