from fhir_server.alliance.referral.page import PAGE, diagram, filled, table
from fhir_server.alliance.referral.table import TABLE


def test_the_page_is_up_to_date() -> None:
    """`python -m fhir_server.alliance.referral.page` brings it up to date."""
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page


def test_every_row_is_in_the_table() -> None:
    assert [line.split(" | ")[0] for line in table().splitlines()[2:]] == [
        f"| {row.rule}" for row in sorted(TABLE, key=lambda row: (row.rule == "S5", int(row.rule[1:])))
    ]


def test_every_rule_is_in_the_diagram() -> None:
    named = {word for line in diagram().splitlines() if ": " in line for word in line.split(": ")[1].split()}
    assert named == {row.rule for row in TABLE}
