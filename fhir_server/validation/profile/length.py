"""maxLength: how many characters a text may have.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.maxLength
"""

from fhir_server.validation.profile.focus import Focus
from fhir_server.validation.profile.run import Check, Run


def max_length(most: int, source: str) -> Check:
    def check(focus: Focus, run: Run) -> None:
        if isinstance(focus.value, str) and len(focus.value) > most:
            text = f"found {len(focus.value)} characters, {source} allows at most {most}"
            run.report("error", "too-long", text, focus.at, "max-length")

    return check
