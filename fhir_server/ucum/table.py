"""The units and prefixes of UCUM, read from `units.json` when the first code comes."""

import json
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

AFFINE = {
    "Cel": (Fraction(0), Fraction(27315, 100)),
    "degF": (Fraction(45967, 100), Fraction(0)),
    "degRe": (Fraction(0), Fraction(27315, 100)),
}
"""Special units that are straight lines: what is added before and after the multiplication."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One unit is `number` of `unit`."""

    code: str
    number: Fraction
    unit: str
    metric: bool  # prefixes may stand before it
    kind: str = ""  # "base", "arbitrary", or the function of a special unit

    @property
    def is_base(self) -> bool:
        """Nothing that it could be converted to. An arbitrary unit may be another one's synonym."""
        return self.kind == "base" or (self.kind == "arbitrary" and self.unit == "1")

    @property
    def is_special(self) -> bool:
        return self.kind not in ("", "base", "arbitrary")


@cache
def definitions() -> dict[str, Definition]:
    bases = {code: Definition(code, Fraction(1), code, True, "base") for code in _table()["bases"]}
    return bases | {
        code: Definition(code, Fraction(Decimal(number)), unit, metric, kind)
        for code, (number, unit, metric, kind) in _table()["units"].items()
    }


@cache
def prefixes() -> dict[str, Fraction]:
    return {code: Fraction(Decimal(number)) for code, number in _table()["prefixes"].items()}


@cache
def _table() -> Any:
    return json.loads(Path(__file__).with_name("units.json").read_text(encoding="utf-8"))
