"""Imports point down; what belongs to one folder stays there; files are short and named in FHIR's words.

See `docs/architecture.md`.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1] / "fhir_server"
PACKAGE = "fhir_server"

# from the top; what stands in one row does not import each other
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("app",),
    ("rest", "console"),
    ("alliance", "subscriptions", "bulk", "ingest", "conformance"),
    ("interactions",),
    ("search", "validation", "mapping", "access"),
    ("terminology",),
    ("fhirpath", "store"),
    ("definitions",),
    ("config",),
    ("resource",),
    ("outcome", "clock", "recurring", "suggestion", "ucum"),
)
LEVEL = {name: -row for row, names in enumerate(LAYERS) for name in names}

# libraries that only some parts may import
HOMES: dict[str, tuple[str, ...]] = {
    "fastapi": ("rest", "console", "app"),
    "starlette": ("rest", "console", "app"),
    "apsw": ("store",),
    "asyncpg": ("store",),
    "mongita": ("store",),
    "pymongo": ("store",),
    "sqlite3": (),
}
SQL = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+(?:OR\s+\w+\s+)?INTO\b|\bUPDATE\b.+\bSET\b|\bDELETE\s+FROM\b"
    r"|\bCREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX)\b|\bPRAGMA\b|\bBEGIN\s+(?:IMMEDIATE|TRANSACTION)\b",
    re.DOTALL,
)
FORBIDDEN_WORDS = ("manager", "helper", "util", "utils", "handler", "service", "processor", "impl")
LONGEST_FILE = 400  # lines
# each with the reason why it is one subject and cannot be cut
LONG_FILES: dict[str, str] = {}


class Import(NamedTuple):
    importer: str  # dotted module name
    imported: str
    line: int


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def imports(importer: str, tree: ast.AST) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer}:{node.lineno}: imports are absolute"
            for alias in node.names:
                # `from fhir_server import search` imports a folder
                name = f"{node.module}.{alias.name}" if node.module == PACKAGE else str(node.module)
                yield Import(importer, name, node.lineno)


def part(module: str) -> str:
    """The folder or top-level module: `fhir_server.search.token` -> `search`; "" for the package itself."""
    return module.removeprefix(PACKAGE).removeprefix(".").partition(".")[0]


def wrong_arrows(found: Iterable[Import]) -> list[str]:
    """Imports that point up or sideways."""
    wrong = []
    for importer, imported, line in found:
        if imported != PACKAGE and not imported.startswith(f"{PACKAGE}."):
            continue
        source, target = part(importer), part(imported)
        if source != target and target not in ("", "__version__") and LEVEL[target] >= LEVEL[source]:
            wrong.append(f"{importer}:{line} imports {imported}")
    return wrong


def strangers(found: Iterable[Import]) -> list[str]:
    """Imports of libraries that belong to other folders."""
    return [
        f"{importer}:{line} imports {imported}"
        for importer, imported, line in found
        if (library := imported.partition(".")[0]) in HOMES and part(importer) not in HOMES[library]
    ]


def sql_texts(tree: ast.AST) -> Iterator[str]:
    """String constants with SQL in them; documentation is prose."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from (f"line {node.lineno}: {found.group()[:60]!r}" for found in SQL.finditer(node.value))


def words(name: str) -> list[str]:
    """`URLPartHandler`, `url_part_handler` -> url, part, handler."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().split("_")


def forbidden_names(path: Path, tree: ast.AST) -> list[str]:
    names = [path.stem, *(node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    return [name for name in names if any(word in FORBIDDEN_WORDS for word in words(name))]


TREES = [(path, ast.parse(path.read_bytes())) for path in modules()]
IMPORTS = [found for path, tree in TREES for found in imports(module_name(path), tree)]


def test_every_folder_has_a_layer() -> None:
    assert {part(module_name(path)) for path, _ in TREES} - {""} <= LEVEL.keys()


def test_imports_point_down() -> None:
    assert wrong_arrows(IMPORTS) == []


@pytest.mark.parametrize(
    ("importer", "text", "found"),
    [
        ("fhir_server.store.rows", "from fhir_server.search.token import parse", True),  # up
        ("fhir_server.search.token", "import fhir_server.validation.structure", True),  # sideways
        ("fhir_server.outcome", "from fhir_server import resource", True),
        ("fhir_server.outcome", "def f():\n    from fhir_server.cli import main", True),  # within a function
        ("fhir_server.search.token", "from fhir_server.search.date import parse", False),  # the same folder
        ("fhir_server.search.token", "from fhir_server.store.rows import Rows", False),  # down
        ("fhir_server.cli", "from fhir_server import __version__", False),
        ("fhir_server.cli", "import json", False),
    ],
)
def test_a_wrong_arrow_is_found(importer: str, text: str, found: bool) -> None:
    assert bool(wrong_arrows(imports(importer, ast.parse(text)))) is found


def test_libraries_stay_in_their_folders() -> None:
    assert strangers(IMPORTS) == []


def test_a_stranger_is_found() -> None:
    assert strangers(imports("fhir_server.search.token", ast.parse("from starlette.routing import Route")))
    assert strangers(imports("fhir_server.interactions.read", ast.parse("import apsw")))
    assert not strangers(imports("fhir_server.store.sqlite.reader", ast.parse("import apsw")))


def test_sql_is_written_in_the_store_only() -> None:
    found = {
        module_name(path): texts
        for path, tree in TREES
        if part(module_name(path)) != "store" and (texts := list(sql_texts(tree)))
    }
    assert found == {}


def test_sql_is_found() -> None:
    assert list(sql_texts(ast.parse('x = f"SELECT id FROM {table}"')))
    assert list(sql_texts(ast.parse('run("delete".upper(), "DELETE FROM resource")')))
    assert not list(sql_texts(ast.parse('def f():\n    """SELECT is read FROM prose."""')))


def test_files_are_short() -> None:
    long = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in modules()}
    assert {name for name, lines in long.items() if lines > LONGEST_FILE} == set(LONG_FILES)


def test_names_say_what_a_thing_is() -> None:
    found = {module_name(path): names for path, tree in TREES if (names := forbidden_names(path, tree))}
    assert found == {}


@pytest.mark.parametrize("name", ["TokenHandler", "URLUtils", "BundleProcessor", "StoreManager"])
def test_an_empty_name_is_found(name: str) -> None:
    assert forbidden_names(Path("token.py"), ast.parse(f"class {name}: pass"))
    assert forbidden_names(Path("search_helper.py"), ast.parse(""))
    assert not forbidden_names(Path("token.py"), ast.parse("class Token: pass"))
