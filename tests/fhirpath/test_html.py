import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath.html import XHTML, _problem, is_plain, narrative_problem
from tests.fhirpath.answers import compiled


def div(inside: str) -> str:
    return f'<div xmlns="{XHTML}">{inside}</div>'


@pytest.mark.parametrize(
    "inside",
    [
        "text",
        "<p>a <b>b</b><br/></p>",
        '<table border="1"><tr><td colspan="2">x</td></tr></table>',
        '<a href="Patient/1">x</a><a name="here">y</a>',
        '<a href="https://example.org/">x</a><a href="mailto:a@example.org">y</a>',
        '<img src="#photo"/>',
        '<img src="data:image/png;base64,AA==" alt="x"/>',
        '<p style="color: red; text-align: left">x</p>',
        '<p style="background-image: url(table/background.png)">x</p>',
        """<p style="background: url('data:image/png;base64,AA==') repeat-y">x</p>""",
        "<!-- comment -->x",
        "<![CDATA[x]]>",
        '<p title="a > b">x</p>',
        "&#20013;&lt;",
    ],
)
def test_what_a_narrative_may_hold(inside: str) -> None:
    assert narrative_problem(div(inside)) is None


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        ("", "no content"),
        (" \n\u00a0&#160;", "no content"),
        ("<p> </p><br/>", "no content"),
        ("<script>x</script>", "'script'"),
        ("<SCRIPT>x</SCRIPT>", "'SCRIPT'"),
        ("<p onclick='x'>x</p>", "'onclick'"),
        ("<iframe src='x'>x</iframe>", "'iframe'"),
        ("<form>x</form>", "'form'"),
        ("<object>x</object>", "'object'"),
        ("<link href='x'/>x", "'link'"),
        ("<svg xmlns='http://www.w3.org/2000/svg'>x</svg>", "'svg'"),
        ("<div xmlns='http://www.w3.org/2000/svg'>x</div>", "another namespace"),
        ("<a href='javascript:x'>x</a>", "active"),
        ("<a href='\tjava\nscript:x'>x</a>", "active"),
        ("<a href='&#x9;JAVASCRIPT:x'>x</a>", "active"),
        ("<a href='data:text/html,x'>x</a>", "active"),
        ("<img src='data:image/svg+xml,x'/>", "active"),
        ("<p style='background: url(http://x)'>x</p>", "style"),
        ("<p style='background: u\\72l(x)'>x</p>", "style"),
        ("<p style='background: url(//example.org/x)'>x</p>", "style"),
        ("<p style='background: url( x)'>x</p>", "style"),
        ("<p style='background: url(data:image/svg+xml,x)'>x</p>", "style"),
        ("<p style='background: url(x.png), url(http://x)'>x</p>", "style"),
        ("<p style='background: url(javascript:x)'>x</p>", "style"),
        ("<p style='width: expression(x)'>x</p>", "style"),
        ("<p>x", "well-formed"),
        ("&nbsp;x", "well-formed"),
        ("<p title='\ud800'>x</p>", "Unicode"),
        ("<?php x ?>x", "declaration"),
        ("<ins>x</ins>", "'ins'"),
        ("x<p title=\"'>\" onclick='x'>y</p>", "'onclick'"),
    ],
)
def test_what_it_may_not_hold(inside: str, problem: str) -> None:
    assert problem in (narrative_problem(div(inside)) or "nothing")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<div>x</div>", "namespace"),
        (f'<p xmlns="{XHTML}">x</p>', "not a div"),
        ("x", "well-formed"),
        ("", "well-formed"),
        (f'<!DOCTYPE div [<!ENTITY a "b">]><div xmlns="{XHTML}">&a;</div>', "declaration"),
        (f'<?xml version="1.0"?><div xmlns="{XHTML}">x</div>', "declaration"),
    ],
)
def test_what_is_around_it(text: str, problem: str) -> None:
    assert problem in (narrative_problem(text) or "nothing")


tags = ["<p>", "</p>", "<br/>", '<a href="x">', "</a>", "<p title='\">'>", "<b", ">", '<p title="\'">']
others = [
    "x",
    " ",
    "&lt;",
    "&#160;",
    "onclick='x'",
    "<script>",
    "</script>",
    "<!-- -->",
    "style='url(/x)'",
    '"',
]
pieces = st.lists(st.sampled_from([*tags, *others, "'"]))


@given(pieces)
def test_the_quick_way_accepts_nothing_that_the_thorough_way_refuses(parts: list[str]) -> None:
    text = div("".join(parts))
    if is_plain(text):
        assert _problem(text) is None


def test_html_checks() -> None:
    expression = compiled("text.`div`.htmlChecks()", "Patient")
    assert expression.evaluate({"resourceType": "Patient", "text": {"div": div("x")}}) == [True]
    assert expression.evaluate({"resourceType": "Patient", "text": {"div": div("")}}) == [False]
    assert expression.evaluate({"resourceType": "Patient"}) == []
