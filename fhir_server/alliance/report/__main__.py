"""Writes what is made from the table of measures and stands elsewhere.

`python -m fhir_server.alliance.report`: resources in `profiles/`, the table in `docs/work-report.md`.
"""

from pathlib import Path

import msgspec

from fhir_server.alliance import assessment
from fhir_server.alliance.report.definitions import definitions, table
from fhir_server.resource import encode

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "work-report.md"
BEGIN, END = "<!-- measures: begin -->\n", "<!-- measures: end -->\n"


def page(text: str) -> str:
    """The page with the table of measures as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def files() -> dict[Path, bytes]:
    """The Measure resources of `profiles/`."""
    return {
        ROOT / "profiles" / f"Measure-{each['id']}.json": msgspec.json.format(encode(each), indent=2) + b"\n"
        for each in (*definitions(), assessment.measure())
    }


def main() -> None:
    for path, content in files().items():
        path.write_bytes(content)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
