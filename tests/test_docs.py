"""README and docs/ say what the code does: names and limits are compared with the code's own tables, links
are followed, examples are sent to a server."""

import ast
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from http.client import HTTPConnection
from importlib import import_module, util
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple, get_args
from urllib.parse import quote, urlencode, urlsplit

import click
import pytest

from fhir_server import config, outcome
from fhir_server.alliance.operations import OPERATIONS as ALLIANCE_OPERATIONS
from fhir_server.cli import main
from fhir_server.definitions import registry
from fhir_server.interactions import history
from fhir_server.interactions.dispatch import TABLE
from fhir_server.interactions.operations import OPERATIONS
from fhir_server.interactions.table import Shape
from fhir_server.search import compile as search
from fhir_server.search.columns import columns_of
from fhir_server.search.options import Options
from fhir_server.search.ranges import PREFIXES
from fhir_server.search.special import SPECIAL, UNDECLARED
from fhir_server.search.types import TYPES
from tests.server import Server

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fhir_server"
README, REST, SEARCH, OPERATION, TESTING = (
    ROOT / name
    for name in ("README.md", "docs/rest.md", "docs/search.md", "docs/operation.md", "docs/testing.md")
)
PAGES = sorted([README, *(ROOT / "docs").glob("*.md")])
MEMBERSHIP = ROOT / "docs/membership.md"
WRITTEN_HERE = (README, REST, SEARCH, OPERATION, TESTING)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_NAME = re.compile(r"`([^`]+)`")


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, *languages: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [body for language, body in _FENCE.findall(text) if language in languages]


def section(page: Path, title: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    text = prose(page)
    headings = list(_HEADING.finditer(text))
    for number, found in enumerate(headings):
        if found[2] == title:
            ends = [each.start() for each in headings[number + 1 :] if len(each[1]) <= len(found[1])]
            return text[found.end() : ends[0] if ends else len(text)]
    raise AssertionError(f"{page.name} has no heading {title!r}")


def table(page: Path, title: str) -> list[list[str]]:
    """The rows of all tables under a heading, without their heads."""
    rows: list[list[str]] = []
    for line in section(page, title).splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            rows.append([cell.strip().replace("\\|", "|") for cell in cells])
    heads = {
        number - 1 for number, row in enumerate(rows) if set("".join(row)) <= set("-: ") and "".join(row)
    }
    return [row for number, row in enumerate(rows) if number not in heads and number - 1 not in heads]


def names(text: str) -> list[str]:
    """What stands in backticks."""
    return _NAME.findall(text)


def first_column(page: Path, title: str) -> set[str]:
    return {name for row in table(page, title) for name in names(row[0])}


# ---- settings and commands


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {names(row[0])[0]: (names(row[1])[0], row[2]) for row in table(OPERATION, "Settings")}
    expected = {
        each.name: (f"{config.ENVIRONMENT_PREFIX}{each.name.upper()}", _shown(each.default))
        for each in fields(config.Settings)
    }
    assert documented == expected


def _shown(default: object) -> str:
    match default:
        case None | ():
            return ""
        case str():
            return f"`{default}`"
        case _:
            return f"`{json.dumps(default)}`"


def test_every_setting_says_what_is_allowed_and_what_it_means() -> None:
    rules = config.schema()["properties"]
    for row in table(OPERATION, "Settings"):
        rule = rules[names(row[0])[0]]
        assert row[3].startswith(rule["description"]), row[0]


def commands(group: click.Group, before: str = "fhir-server") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    documented = first_column(OPERATION, name)
    expected = {
        option
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert {option for option in documented if option.startswith("-")} == expected
    arguments = [each for each in COMMANDS[name].params if isinstance(each, click.Argument)]
    for argument in arguments:
        assert str(argument.human_readable_name) in section(OPERATION, name)


def test_no_other_command_is_documented() -> None:
    titles = {title for _, title in _HEADING.findall(prose(OPERATION)) if title.startswith("fhir-server")}
    assert titles == COMMANDS.keys()


# ---- REST

URLS: dict[Shape, str] = {
    "metadata": "[base]/metadata",
    "system": "[base]",
    "system/_history": "[base]/_history",
    "system/_search": "[base]/_search",
    "type": "[base]/[type]",
    "type/_history": "[base]/[type]/_history",
    "type/_search": "[base]/[type]/_search",
    "instance": "[base]/[type]/[id]",
    "instance/_history": "[base]/[type]/[id]/_history",
    "version": "[base]/[type]/[id]/_history/[vid]",
    "compartment": "[base]/[compartment]/[id]/[type]",
    "compartment/_search": "[base]/[compartment]/[id]/[type]/_search",
}


def test_every_interaction_is_documented() -> None:
    documented = {
        names(row[0])[0]: frozenset(names(row[1])) & _codes() for row in table(REST, "Interactions")
    }
    expected = {
        f"{method} {URLS[shape]}": frozenset(interaction.codes)
        for shape, methods in TABLE.items()
        for method, interaction in methods.items()
        if method != "HEAD"
    }
    assert documented == expected


def _codes() -> set[str]:
    return {code for methods in TABLE.values() for each in methods.values() for code in each.codes}


def test_every_shape_of_url_has_its_name() -> None:
    assert URLS.keys() == set(get_args(Shape)) == TABLE.keys()


def test_head_is_answered_wherever_get_is() -> None:
    assert all(("GET" in methods) == ("HEAD" in methods) for methods in TABLE.values())


def test_every_operation_is_documented() -> None:
    documented = {name for name in names(prose(REST)) if re.fullmatch(r"\$[a-z-]+", name)}
    later = {name for name in names(section(REST, "Not there yet")) if name.startswith("$")}
    assert documented - later == {f"${code}" for code in OPERATIONS}


def test_every_operation_of_the_alliance_is_documented() -> None:
    text = "".join(prose(page) for page in PAGES)
    documented = set(re.findall(r"\$[a-z-]+", text))
    assert {f"${code}" for code in ALLIANCE_OPERATIONS} <= documented


def test_how_many_resource_types_there_are() -> None:
    assert f"All {len(registry.load().resource_types)} resource types" in prose(REST)


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_bytes()) for path in PACKAGE.rglob("*.py")}


def used_names() -> set[str]:
    """Every name and attribute in the code outside of outcome.py."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for path, tree in trees().items()
        if path.name != "outcome.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def named_errors() -> Iterator[tuple[str, str]]:
    """(status, code) of the errors in outcome.py that some code raises."""
    used = used_names()
    for function in ast.parse(inspect.getsource(outcome)).body:
        if isinstance(function, ast.FunctionDef) and function.name in used:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                    values = [each.value for each in call.args if isinstance(each, ast.Constant)]
                    if call.func.id == "_error" and len(values) >= 2:
                        yield str(values[0]), str(values[1])


def issue_codes() -> set[str]:
    """Codes of the issues that the code makes outside of outcome.py, and of `internal`."""
    found = {"exception"}
    for tree in trees().values():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Issue":
                found |= {str(each.value) for each in call.args if isinstance(each, ast.Constant)}
    return found & set(outcome.ISSUE_CODES)


# packages are unpacked by the command line only
OF_COMMANDS = {("422", "security"), ("422", "too-costly")}


def test_every_error_is_documented() -> None:
    documented = {(row[0], names(row[1])[0]) for row in table(REST, "Errors")}
    assert set(named_errors()) - OF_COMMANDS <= documented


def test_every_issue_code_is_documented() -> None:
    codes = {names(row[1])[0] for row in table(REST, "Errors")} | set(names(section(REST, "Errors")))
    assert issue_codes() | {code for _, code in named_errors()} <= codes | {"security"}
    assert {names(row[1])[0] for row in table(REST, "Errors")} <= set(outcome.ISSUE_CODES)


def test_the_codes_that_are_used_are_found() -> None:
    assert ("410", "deleted") in set(named_errors())
    assert {"code-invalid", "invariant", "incomplete", "processing"} <= issue_codes()


def test_every_parameter_of_history_is_documented() -> None:
    assert first_column(REST, "history") == set(history.PARAMETERS)


# ---- search


def test_every_parameter_type_is_documented() -> None:
    assert first_column(SEARCH, "Parameter types") == {*TYPES, "composite"} | {
        name for row in table(SEARCH, "Parameter types") for name in names(row[0])
    }
    assert {names(row[0])[0] for row in table(SEARCH, "Parameter types")} == {*TYPES, "composite"}


def test_every_parameter_of_every_resource_is_documented() -> None:
    common = registry.load().search_parameters("Resource")
    documented = {names(row[0])[0]: row[1] for row in table(SEARCH, "Parameters of every resource")}
    expected = {code: each.type for code, each in common.items() if code not in UNDECLARED}
    assert documented == expected | {"_text": "string"}  # which is of DomainResource
    assert SPECIAL.keys() <= documented.keys()


def test_every_modifier_is_documented() -> None:
    documented = {(names(row[0])[0], name) for row in table(SEARCH, "Modifiers") for name in names(row[1])}
    expected = {(f":{modifier}", name) for name, kind in TYPES.items() for modifier in kind.modifiers}
    assert documented == expected | {(":[type]", "reference")}
    assert ":missing" in first_column(SEARCH, "Modifiers")


def test_every_prefix_is_documented() -> None:
    assert first_column(SEARCH, "Prefixes") == PREFIXES


def test_every_result_parameter_is_documented() -> None:
    documented = first_column(SEARCH, "Result parameters")
    later = set(names(section(SEARCH, "Not there yet")))
    assert documented == (search._RESULT | search.PRESENTATION | {"_type"}) - later


def test_every_other_parameter_is_indexed() -> None:
    definitions = registry.load()
    columns = columns_of(definitions)
    assert {
        each.code
        for resource_type in definitions.resource_types
        for each in columns.parameters(resource_type)
        if each.not_indexed
    } <= UNDECLARED


def test_every_compartment_is_documented() -> None:
    definitions = registry.load()
    found = {name for name in definitions.resource_types if definitions.compartment(name)}
    (row,) = (row for row in table(SEARCH, "Where to search") if "compartment" in row[1] and ": of" in row[1])
    assert set(re.findall(r"[A-Z]\w+", row[1])) == found


# ---- limits

_LIMIT = re.compile(r"(?:.*_)?LIMIT(?:_.*)?")
NOT_OF_REQUESTS = {
    "fhirpath": "bounds of the language: no request evaluates an expression of its own yet",
    "store": "bounds of the representation",
    "definitions": "bounds of packages, see operation.md",
}


def documented_limits() -> dict[str, list[str]]:
    """By setting, constant or field: the cells of its row."""
    return {
        names(row[3])[0]: row for page in (REST, SEARCH) for row in table(page, "Limits") if names(row[3])
    }


def value_of(name: str) -> Any:
    if name in {each.name for each in fields(config.Settings)}:
        return getattr(config.Settings(), name)
    holder, _, attribute = name.rpartition(".")
    found: Any = resolve_name(f"fhir_server.{holder}")
    return getattr(found() if inspect.isclass(found) else found, attribute)


@pytest.mark.parametrize("name", documented_limits())
def test_a_limit_is_the_one_that_is_documented(name: str) -> None:
    found = re.search(r"[\d,.]+", documented_limits()[name][1])
    assert found is not None
    assert float(found[0].replace(",", "")) == value_of(name)


def test_every_limit_is_documented() -> None:
    constants = {
        f"{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}.{target.id}"
        for path, tree in trees().items()
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and _LIMIT.fullmatch(target.id) and not target.id.startswith("_")
    }
    wanted = {name for name in constants if name.partition(".")[0] not in NOT_OF_REQUESTS}
    assert "resource.DEPTH_LIMIT" in wanted
    wanted |= {f"search.options.Options.{each.name}" for each in fields(Options)} - {
        "search.options.Options.zone",
        "search.options.Options.page_size",  # from the settings
        "search.options.Options.page_size_limit",
    }
    assert wanted <= documented_limits().keys()


@pytest.mark.parametrize("name", ["ENTRY_LIMIT", "ENTRY_SIZE_LIMIT_BYTES", "TOTAL_SIZE_LIMIT_BYTES"])
def test_the_limits_of_packages_are_documented(name: str) -> None:
    value: int = getattr(import_module("fhir_server.definitions.packages"), name)
    shown = f"{value >> 20:,} MiB" if value % (1 << 20) == 0 else f"{value:,}"
    assert shown in section(OPERATION, "Packages")


# ---- links, commands, words


def anchors(page: Path) -> set[str]:
    """Of the headings, as they are linked: lower case, spaces as dashes, no punctuation."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in _HEADING.findall(prose(page))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in (one or other for one, other in _LINK.findall(prose(page))):
        if urlsplit(link).scheme:
            continue
        target, _, anchor = link.partition("#")
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), link
        assert not anchor or anchor in anchors(found), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_are_named_exist(page: Path) -> None:
    for name in names(prose(page)):
        if re.fullmatch(r"(?:fhir_server|tests|docs|benchmarks|profiles|mappings|\.ci)/[\w./-]*", name):
            assert (ROOT / name).exists() or any((ROOT / name).parent.glob(f"{Path(name).name}.py")), name


def command_lines(page: Path) -> Iterator[list[str]]:
    for block in blocks(page, "sh", ""):
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"(?:\.venv/bin/|make\b|fhir-server\b|python\b|\.ci/)", line):
                yield shlex.split(line, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_shown_exist(page: Path) -> None:
    for words in command_lines(page):
        match Path(words[0]).name, words[1:]:
            case "make", targets:
                known = re.findall(r"^(\S+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
                assert set(targets) <= set(known), words
            case "fhir-server", given:
                _require_options(given)
            case "python", ["-m", module, *_]:
                assert util.find_spec(module) is not None, words
            case program, _:
                assert program in ("pytest", "ruff", "mypy") or (ROOT / words[0]).exists(), words


def _require_options(given: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group) and given and not given[0].startswith("-"):
        assert given[0] in command.commands, given
        command, given = command.commands[given[0]], given[1:]
    known = {name for each in command.params for name in each.opts} | {"--help", "--version", "-h", "-V"}
    assert {word.partition("=")[0] for word in given if word.startswith("-")} <= known, given


def test_the_readme_opens_with_the_two_commands() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    opening = [line.split()[:2] for line in lines[2:7] if line.startswith("make")]
    assert opening == [["make", "serve"], ["make", "test"]]


def test_every_folder_of_the_package_is_on_the_map() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {f"fhir_server/{name}/" for name in folders} <= set(names(section(README, "Folders")))


def test_every_marker_is_documented() -> None:
    declared = re.findall(
        r'^    "(\w+): needs|^    "(\w+): takes', (ROOT / "pyproject.toml").read_text(), re.M
    )
    assert {one or other for one, other in declared} == first_column(TESTING, "Markers")


def test_every_workload_is_documented() -> None:
    from benchmarks.workloads import WORKLOADS

    assert first_column(TESTING, "Benchmarks") == WORKLOADS.keys()


# ---- examples

BASE_URL = "http://127.0.0.1:8000/fhir"


@dataclass
class Curl:
    """What a line of curl asks for."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    in_query: bool = False


class Example(NamedTuple):
    line: str
    status: int


def read_curl(line: str) -> Curl:
    """Only the options that the pages use."""
    found = Curl()
    words = iter(shlex.split(line.replace("\\\n", " "))[1:])
    for word in words:
        match word:
            case "-X":
                found.method = next(words)
            case "-I":
                found.method = "HEAD"
            case "-H":
                name, _, value = next(words).partition(":")
                found.headers[name] = value.strip()
            case "-d":
                found.data.append(next(words))
            case "--data-urlencode":
                name, _, value = next(words).partition("=")
                found.data.append(f"{name}={quote(value)}")
            case "-G":
                found.in_query = True
            case _:
                assert not word.startswith("-") and not found.url, line
                found.url = word.replace("$BASE", BASE_URL).replace(r"\$", "$")  # as a shell does in quotes
    if found.in_query:
        found.url += ("&" if "?" in found.url else "?") + "&".join(found.data)
        found.data = []
    if found.data and "Content-Type" not in found.headers:
        found.headers["Content-Type"] = "application/x-www-form-urlencoded"
    found.method = found.method or ("POST" if found.data else "GET")
    return found


def examples(page: Path) -> list[Example]:
    """Lines of curl, each with the status that the comment behind it promises."""
    found = []
    for block in blocks(page, "sh"):
        found += [
            Example(line.strip(), int(status))
            for line, status in re.findall(r"^(curl .*?)\n# (\d\d\d)\b", block, re.MULTILINE | re.DOTALL)
        ]
        assert block.count("curl ") == len(re.findall(r"^# \d\d\d\b", block, re.MULTILINE)), block
    return found


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("docs") / "data", flags=["--demo"]) as running:
        yield running


WITH_EXAMPLES = [page for page in PAGES if any("curl " in block for block in blocks(page, "sh"))]


def test_pages_that_show_how_have_examples() -> None:
    assert {README, REST, SEARCH, OPERATION, MEMBERSHIP} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
def test_examples_are_answered_as_they_say(page: Path, demonstration: Server) -> None:
    connection = HTTPConnection("127.0.0.1", demonstration.port, timeout=30)
    wrong = []
    for line, status in examples(page):
        curl = read_curl(line)
        target = urlsplit(curl.url)._replace(scheme="", netloc="").geturl()
        body = "&".join(curl.data).encode() or None
        connection.request(curl.method, target, body, curl.headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != status:
            wrong.append(f"{line}\nis answered {answer.status}: {text[:300]}")
        elif '"total":0' in text:
            wrong.append(f"{line}\nfinds nothing")
    connection.close()
    assert examples(page) and not wrong, "\n".join(wrong)


def test_a_line_of_curl_is_read() -> None:
    found = read_curl("curl -G $BASE/Patient --data-urlencode 'name=张' -d _count=1 -H 'A: b:c'")
    assert (found.method, found.url) == ("GET", f"{BASE_URL}/Patient?name=%E5%BC%A0&_count=1")
    assert found.headers == {"A": "b:c"}
    assert read_curl("curl $BASE -d a=1").method == "POST"
    assert urlencode({"name": "张"}) in found.url
