"""maxLength: how many characters a text may have.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.maxLength
"""

from typing import Any

from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem
from fhir_server.validation.profile.run import Run


def max_length(most: int, source: str) -> Rule:
    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if not isinstance(value, str) or len(value) <= most:
            return NOTHING
        text = f"found {len(value)} characters, {source} allows at most {most}"
        return problem("error", "too-long", text, "max-length")

    return rule
