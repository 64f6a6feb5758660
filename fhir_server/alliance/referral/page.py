"""The tables and the diagram of docs/referral.md, made from the table that the server works by.

`python -m fhir_server.alliance.referral.page` writes them into the page.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fhir_server.alliance.referral.guards import GUARDS
from fhir_server.alliance.referral.rights import REQUEST_RIGHTS, TASK_RIGHTS, Right
from fhir_server.alliance.referral.table import EFFECTS, NEW, REQUEST_ROWS, TABLE, Row, State

PAGE = Path(__file__).parents[3] / "docs" / "referral.md"

_WAYS = {"set": "set", "append": "add to", "raise": "raise"}


def table() -> str:
    rows = [
        (
            row.rule,
            row.title,
            _states(row.before),
            _after(row),
            " or ".join(row.actors),
            "; ".join(GUARDS[guard][0] for guard in row.guards),
            "; ".join(EFFECTS[effect] for effect in row.effects),
        )
        for row in sorted(TABLE, key=_place)
    ]
    return _table(("rule", "", "from", "to (`businessStatus`)", "by", "condition", "what else"), rows)


def _place(row: Row) -> tuple[bool, int]:
    """T1 to T16, then what follows from rules of the ServiceRequest."""
    return row.rule[0] != "T", int(row.rule[1:])


def _states(states: Iterable[State]) -> str:
    return ", ".join(
        f"`{each.status}` ({', '.join(each.business)})" if each.business else _status(each) for each in states
    )


def _status(state: State) -> str:
    return "none" if state is NEW else f"`{state.status}`"


def _after(row: Row) -> str:
    if row.after.status == "=":
        return "the same"
    business = ", ".join(f"`{each}`" for each in row.after.business)
    return f"`{row.after.status}` ({business})" if business else f"`{row.after.status}`"


def requests() -> str:
    rows = [
        (
            row.rule,
            ", ".join("none" if each == "-" else f"`{each}`" for each in row.before),
            f"`{row.after}`",
            " or ".join(row.actors),
            row.condition,
            row.effect,
        )
        for row in REQUEST_ROWS
    ]
    return _table(("rule", "from", "to", "by", "condition", "what else"), rows)


def rights() -> str:
    rows = [
        (f"`{resource_type}.{element}`", _WAYS[right.way], _who(right))
        for resource_type, given in (("ServiceRequest", REQUEST_RIGHTS), ("Task", TASK_RIGHTS))
        for element, right in _named(given)
    ]
    return _table(("element", "may be", "by"), rows)


def _who(right: Right) -> str:
    actors = " or ".join(right.actors)
    return f"{actors}; with a change of the table, who makes it" if right.moves else actors


def _named(rights: dict[str, Right]) -> Iterator[tuple[str, Right]]:
    return ((name, right) for name, right in rights.items() if name not in ("meta", "text"))


def diagram() -> str:
    """States of the Task in the language of https://mermaid.js.org/syntax/stateDiagram.html."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        for state in row.before:
            start = "[*]" if state is NEW else _name(state.status)
            end = start if row.after.status == "=" else _name(row.after.status)
            rules = arrows.setdefault((start, end), [])
            if row.rule not in rules:
                rules.append(row.rule)
    ends = {_name(row.after.status) for row in TABLE if row.after.status != "="}
    final = sorted(ends - {start for start, _ in arrows})
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {start} --> {end}: {' '.join(rules)}" for (start, end), rules in arrows.items()]
    lines += [f"    {each} --> [*]" for each in final]
    return "\n".join([*lines, "```"])


def _name(status: str) -> str:
    return status.replace("-", "_")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PARTS = {"table": table, "diagram": diagram, "requests": requests, "rights": rights}


def filled(page: str) -> str:
    """The page with its parts as they are now, each between `<!-- table -->` and `<!-- end -->`."""
    for name, make in PARTS.items():
        begin = f"<!-- {name} -->\n"
        before, _, rest = page.partition(begin)
        after = rest.partition("<!-- end -->")[2]
        page = f"{before}{begin}\n{make()}\n\n<!-- end -->{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
