import json
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.bulk.reports import FORMATS
from fhir_server.bulk.validation import Validated
from fhir_server.outcome import Issue

WRONG = Issue("error", "value", "Patient.id: <b> & \x01 is wrong", "Patient.id", "rule", 2, 7)
WARNED = Issue("warning", "invariant", "Patient: no text", "Patient", "constraint-dom-6", 1, 1)
FOUND = [
    Validated("a.json", None, (WRONG, WARNED), 10),
    Validated("b.ndjson", 3, (WARNED,), 10),
    Validated("c.json", None, (), 10),
    Validated("d.json", None, (Issue("error", "structure", "the body is not JSON"),), 10),
]


def told(format_: str) -> str:
    return "\n".join(FORMATS[format_](FOUND))


def test_text_names_file_line_and_column() -> None:
    assert told("text").splitlines() == [
        "a.json:2:7: error: Patient.id: <b> & \x01 is wrong [rule]",
        "a.json:1:1: warning: Patient: no text [constraint-dom-6]",
        "b.ndjson:3:1: warning: Patient: no text [constraint-dom-6]",
        "d.json: error: the body is not JSON",
    ]


def test_json_has_an_outcome_for_each_resource() -> None:
    lines = [json.loads(line) for line in told("json").splitlines()]
    assert [line["file"] for line in lines] == ["a.json", "b.ndjson", "c.json", "d.json"]
    assert lines[1]["line"] == 3
    extension = {one["url"].rpartition("-")[2]: one for one in lines[0]["outcome"]["issue"][0]["extension"]}
    assert (extension["line"]["valueInteger"], extension["col"]["valueInteger"]) == (2, 7)
    assert "outcome" not in lines[2]


def test_a_page_escapes_what_clients_wrote() -> None:
    page = told("html")
    assert "&lt;b&gt; &amp;" in page
    assert "<b>" not in page
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert tags.count("h2") == len(FOUND)


def test_junit_counts_failures() -> None:
    suite = ElementTree.fromstring(told("junit"))
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    cases = suite.findall("testcase")
    assert [case.find("failure") is not None for case in cases] == [True, False, False, True]
    assert [case.get("name") for case in cases] == ["a.json", "b.ndjson:3", "c.json", "d.json"]
    assert cases[1].findtext("system-out") == "b.ndjson:3:1: warning: Patient: no text [constraint-dom-6]"
    assert cases[0].findtext("failure") == (
        "a.json:2:7: error: Patient.id: <b> & \N{REPLACEMENT CHARACTER} is wrong [rule]\n"
        "a.json:1:1: warning: Patient: no text [constraint-dom-6]"
    )


@given(st.text(), st.text())
def test_any_name_and_any_text_make_a_page_and_xml(file: str, text: str) -> None:
    found = [Validated(file, 1, (Issue("error", "value", text, text, text, 1, 1),), 1)]
    suite = ElementTree.fromstring("\n".join(FORMATS["junit"](found)))
    assert len(suite.findall("testcase/failure")) == 1
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign]
    parser.feed("\n".join(FORMATS["html"](found)))
    assert tags[-14:] == ["body", "h2", "table", "tr", *["th"] * 5, "tr", *["td"] * 5][-14:]
