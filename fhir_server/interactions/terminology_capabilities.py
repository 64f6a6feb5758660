"""What the server can do with codes: the TerminologyCapabilities behind /metadata?mode=terminology.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from itertools import groupby
from typing import Any

from fhir_server.interactions.operations.expand import PARAMETERS
from fhir_server.terminology.canonicals import Known, in_order
from fhir_server.terminology.snapshot import Snapshot

_TEXT_FILTER = (
    "Each word of the filter must be found in the code, the display or a designation: Latin words and digits "
    "at the beginning of a word, ideographs anywhere. Case, width and accents do not count."
)


async def about_terminology(snapshot: Snapshot) -> dict[str, Any]:
    known = await snapshot.code_systems()
    found: dict[str, Any] = {
        "lockedDate": False,
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in sorted(PARAMETERS)],
            "textFilter": _TEXT_FILTER,
        },
        "codeSearch": "all",
        "validateCode": {"translations": False},
        "translation": {"needsMap": True},
        "closure": {"translation": False},
    }
    systems = [_code_system(url, [*versions]) for url, versions in groupby(known, lambda each: each.url)]
    return {"codeSystem": systems} | found if systems else found


def _code_system(url: str, known: list[Known]) -> dict[str, Any]:
    found: dict[str, Any] = {"uri": url}
    versions = sorted({each.version for each in known if each.version is not None}, key=in_order)
    if versions:
        found["version"] = [{"code": version} for version in versions]
    return found | {"subsumption": True}
