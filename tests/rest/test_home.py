from html.parser import HTMLParser

from fhir_server.rest.docs_page import docs
from fhir_server.rest.home import DEMO_EXAMPLES, SECURITY_HEADERS, Overview, home

BASE = "http://127.0.0.1:8000/fhir"


class Page(HTMLParser):
    """Links, text, and everything that would be fetched from elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attributes)
        if tag == "a":
            self.links.append(found["href"] or "")
        self.fetched += [
            value or "" for name, value in attributes if name == "src" or (tag, name) == ("link", "href")
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def overview(**changes: object) -> Overview:
    given: dict[str, object] = {
        "version": "0.1.0", "release": "4.0.1", "totals": {"Patient": 1234, "Task": 2},
        "definitions": {"StructureDefinition": 655}, "demo": False, "open": True,
    }  # fmt: skip
    return Overview(**(given | changes))  # type: ignore[arg-type]


def test_the_page_says_where_one_is_and_what_is_loaded() -> None:
    text = Page(home(overview(), BASE)).text
    for part in (
        "fhir-server 0.1.0",
        "4.0.1",
        BASE,
        "1,234",
        "StructureDefinition",
        "655",
        "患者",
        "Patients",
    ):
        assert part in text


def test_nothing_is_fetched_from_elsewhere() -> None:
    page = Page(home(overview(demo=True), BASE))
    assert page.fetched == [] and "script" not in page.tags
    assert all(link.startswith("/") for link in page.links)


def test_open_mode_is_said() -> None:
    assert "no authentication" in Page(home(overview(), BASE)).text
    assert "no authentication" not in Page(home(overview(open=False), BASE)).text


def test_an_empty_store_tells_how_to_fill_it() -> None:
    page = Page(home(overview(totals={}), BASE))
    assert "fhir-server demo load" in page.text
    assert not any(link.startswith("/fhir/Patient?") for link in page.links)


def test_the_demonstration_alliance_has_searches_of_its_own() -> None:
    with_demo, without = (Page(home(overview(demo=demo), BASE)).text for demo in (True, False))
    for link in DEMO_EXAMPLES:
        assert link.target in with_demo and link.target not in without


def test_everything_is_escaped() -> None:
    html = home(overview(version="<script>alert(1)</script>", totals={"<b>": 1}), 'http://"><script>/fhir')
    assert "<script>" not in html and "<b>&lt;" not in html


def test_styles_are_allowed_by_their_hash_alone() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "sha256-" in policy


def test_docs_list_types_and_parameters() -> None:
    parameters = [{"name": "name"}, {"name": "<i>"}]
    statement = {"rest": [{"resource": [{"type": "Patient", "searchParam": parameters}]}]}
    html = docs(statement, BASE)
    assert "<td>Patient</td><td><code>&lt;i&gt;, name</code></td>" in html
    assert f"[base] = {BASE}" in html
