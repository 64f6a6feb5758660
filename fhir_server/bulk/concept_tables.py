"""Tables of codes as CSV: one code a line, columns named in the first line.

    code,display,parent,definition,status,abstract,designation:en,property:initials

`code` alone must be there. Chinese names of columns are known, as the national editions of classifications
have them. Lines before the first that begin with `#` say what the table is: `# system: urn:oid:…`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO

from fhir_server.bulk.concepts import BadRow, Row, packed, wrong_code
from fhir_server.outcome import DefinitionError
from fhir_server.suggestion import choices
from fhir_server.terminology.concepts import Concept, Designation, Property
from fhir_server.terminology.inline import is_abstract, is_inactive

COLUMNS = ("code", "display", "parent", "definition", "status", "abstract")
MORE_COLUMNS = ("designation", "property")
"""With a colon and a language, or the code of a property, behind them."""
FACTS = ("system", "version", "name", "title", "publisher", "language", "copyright")
"""What a table can say of itself before its first line."""

CHINESE = {
    "代码": "code", "编码": "code", "主要编码": "code", "疾病编码": "code", "诊断编码": "code",
    "手术编码": "code", "诊断代码": "code", "手术操作代码": "code", "值": "code",
    "名称": "display", "疾病名称": "display", "诊断名称": "display", "手术名称": "display",
    "值含义": "display", "手术操作名称": "display", "字母代码": "property:letters",
    "上级代码": "parent", "上级编码": "parent", "父代码": "parent",
    "说明": "definition", "备注": "definition", "状态": "status",
    "附加编码": "property:additional-code", "英文名称": "designation:en", "别名": "designation:zh-CN",
}  # fmt: skip
_STATUSES = {
    "": None, "active": None, "启用": None, "有效": None, "1": None,
    "inactive": "inactive", "retired": "retired", "停用": "inactive", "无效": "inactive", "废止": "retired",
    "0": "inactive",
}  # fmt: skip
_BOOLEANS = {"": False, "0": False, "false": False, "否": False, "1": True, "true": True, "是": True}
_DELIMITERS = (",", "\t", ";", "|")


@dataclass
class Table:
    file: str
    facts: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    has_parents: bool = False


def read_table(file: str, text: str, names: Mapping[str, str] | None = None) -> Table:
    """names: what columns with names of their own are. Raises DefinitionError for a wrong first line."""
    table = Table(file)
    lines, skipped = _after_facts(text, table.facts)
    delimiter = _delimiter(lines)
    reader = csv.reader(StringIO(lines, newline=""), delimiter=delimiter, strict=False)
    header = next(reader, [])
    columns = _columns(file, header, names or {})
    table.has_parents = "parent" in columns
    seen: dict[str, int] = {}
    for cells in reader:
        line = reader.line_num + skipped
        if not any(cell.strip() for cell in cells):
            continue
        found = _row(columns, cells, line, file)
        if isinstance(found, Row):
            code = found.code
            if code in seen:
                found = f"the code {code!r} stands in line {seen[code]} already"
            else:
                seen[code] = line
                table.rows.append(found)
        if isinstance(found, str):
            table.bad.append(BadRow(file, line, found))
    return table


def _after_facts(text: str, facts: dict[str, str]) -> tuple[str, int]:
    """What follows the lines that begin with `#`, and how many these are."""
    skipped = 0
    while text.startswith("#"):
        line, _, text = text.partition("\n")
        skipped += 1
        name, colon, value = line.removeprefix("#").partition(":")
        if colon and name.strip().lower() in FACTS:
            facts[name.strip().lower()] = value.strip().rstrip(",;\t ")
    return text, skipped


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _columns(file: str, header: list[str], names: Mapping[str, str]) -> list[str]:
    """What each column is; "": it is left out."""
    given = {name.strip(): meaning for name, meaning in names.items()}
    for name in given:
        if name not in [cell.strip() for cell in header]:
            raise DefinitionError(f"{file}: there is no column {name!r}{choices(name, header)}")
    columns = [_meaning(cell.strip(), given) for cell in header]
    if "code" not in columns:
        raise DefinitionError(f"{file}: no column of the first line is the code: {', '.join(header)[:200]}")
    for column in COLUMNS:
        if columns.count(column) > 1:
            raise DefinitionError(f"{file}: more than one column is {column}")
    return columns


def _meaning(cell: str, given: Mapping[str, str]) -> str:
    if cell in given:
        return given[cell]
    lower = cell.lower()
    if lower in COLUMNS or (lower.partition(":")[0] in MORE_COLUMNS and lower.partition(":")[2]):
        kind, colon, rest = cell.partition(":")
        return kind.lower() + colon + rest
    return CHINESE.get(cell, "")


def _row(columns: list[str], cells: list[str], line: int, file: str) -> Row | str:
    """The row, or what is wrong with it."""
    if len(cells) > len(columns):
        return f"{len(cells)} cells, the first line has {len(columns)}"
    found = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name and cell.strip()}
    code = found.get("code", "")
    if (wrong := wrong_code(code)) is not None:
        return wrong
    status = found.get("status", "").lower()
    if status not in _STATUSES:
        return f"the status {status!r} is none of {', '.join(filter(None, _STATUSES))}"
    abstract = found.get("abstract", "").lower()
    if abstract not in _BOOLEANS:
        return f"abstract is {abstract!r}, it can be true or false"
    properties = tuple(_properties(found, _STATUSES[status], _BOOLEANS[abstract]))
    concept = Concept(
        code=code,
        display=found.get("display"),
        definition=found.get("definition"),
        designations=tuple(
            Designation(cell, name.partition(":")[2])
            for name, cell in found.items()
            if name.startswith("designation:")
        ),
        properties=properties,
        inactive=is_inactive(properties),
        abstract=is_abstract(properties),
    )
    return packed(concept, tuple(found.get("parent", "").split()), line, file)


def _properties(found: dict[str, str], status: str | None, abstract: bool) -> Iterator[Property]:
    if status is not None:
        yield Property("status", "valueCode", status)
    if abstract:
        yield Property("notSelectable", "valueBoolean", True)
    for name, cell in found.items():
        if name.startswith("property:"):
            yield Property(name.partition(":")[2], "valueString", cell)
