"""What validation found, as text, JSON, a page, or for a build server."""

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from xml.etree import ElementTree

from fhir_server.bulk.validation import Validated
from fhir_server.outcome import Issue, operation_outcome
from fhir_server.resource import encode

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Validation</title><style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid #ccc; padding: .3em; text-align: left }
.fatal, .error { color: #a00 } .warning { color: #850 } .information { color: #357 }
</style></head><body>
"""  # noqa: E501
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(found: Iterable[Validated]) -> Iterator[str]:
    """`file:line:column: severity: what is wrong (rule)`, as compilers write it."""
    for one in found:
        yield from _lines(one)


def _lines(one: Validated) -> Iterator[str]:
    for issue in one.issues:
        yield f"{one.file}{_position(one, issue)}: {issue.severity}: {_told(issue)}"


def _position(one: Validated, issue: Issue) -> str:
    if one.line is not None:
        # a line of NDJSON is one resource: the line is that of the file
        return f":{one.line}" + (f":{issue.column}" if issue.column else "")
    return f":{issue.line}:{issue.column}" if issue.line else ""


def _told(issue: Issue) -> str:
    return issue.diagnostics if issue.message is None else f"{issue.diagnostics} [{issue.message}]"


def as_json(found: Iterable[Validated]) -> Iterator[str]:
    """One object a line: `{"file": …, "line": …, "outcome": OperationOutcome}`."""
    for one in found:
        line = {} if one.line is None else {"line": one.line}
        outcome = operation_outcome(one.issues) if one.issues else None
        yield encode({"file": one.file} | line | ({"outcome": outcome} if outcome else {})).decode()


def as_html(found: Iterable[Validated]) -> Iterator[str]:
    yield _PAGE
    for one in found:
        yield f"<h2>{escape(one.place)}</h2>"
        if not one.issues:
            yield "<p>Nothing is wrong.</p>"
            continue
        yield "<table><tr><th>severity</th><th>where</th><th>line</th><th>what</th><th>rule</th></tr>"
        for issue in one.issues:
            cells = (issue.expression, issue.line, issue.diagnostics, issue.message)
            row = "".join(f"<td>{escape(str(cell or ''))}</td>" for cell in cells)
            yield f'<tr><td class="{issue.severity}">{issue.severity}</td>{row}</tr>'
        yield "</table>"
    yield "</body></html>"


def as_junit(found: Iterable[Validated]) -> Iterator[str]:
    """A test case for each resource; warnings are its output, errors its failure."""
    suite = ElementTree.Element("testsuite", name="fhir-server validate")
    tests = failures = 0
    for one in found:
        named = {"classname": _of_xml(one.file), "name": _of_xml(one.place)}
        case = ElementTree.SubElement(suite, "testcase", named)
        tests, failures = tests + 1, failures + one.failed
        text = _of_xml("\n".join(_lines(one)))
        if one.failed:
            ElementTree.SubElement(case, "failure", message="not valid").text = text
        elif text:
            ElementTree.SubElement(case, "system-out").text = text
    suite.set("tests", str(tests))
    suite.set("failures", str(failures))
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield ElementTree.tostring(suite, encoding="unicode")


def _of_xml(text: str) -> str:
    """XML 1.0 has no control characters: https://www.w3.org/TR/xml/#charsets"""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


FORMATS: dict[str, Callable[[Iterable[Validated]], Iterator[str]]] = {
    "text": as_text,
    "json": as_json,
    "html": as_html,
    "junit": as_junit,
}
