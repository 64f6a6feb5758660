"""`/docs`: how to use the server, for a person, made from the CapabilityStatement that it serves."""

from collections.abc import Iterable
from html import escape
from typing import Any

from fhir_server.rest.home import page

_INTERACTIONS = (
    ("read, vread", "GET [base]/Patient/1", "GET [base]/Patient/1/_history/2", "ETag, If-None-Match"),
    ("search", "GET [base]/Patient?name=张", "POST [base]/Patient/_search", "_include _sort _count"),
    ("create", "POST [base]/Patient", "If-None-Exist: identifier=…", "201, Location, ETag"),
    ("update", "PUT [base]/Patient/1", "PUT [base]/Patient?identifier=…", 'If-Match: W/"2" → 412'),
    ("patch", "PATCH [base]/Patient/1", "application/json-patch+json", "application/fhir+json (Parameters)"),
    ("delete", "DELETE [base]/Patient/1", "DELETE [base]/Patient?identifier=…", "204"),
    ("history", "GET [base]/Patient/1/_history", "GET [base]/_history?_since=…", "_since _at _before _count"),
    ("batch, transaction", "POST [base]", "Bundle", "all or nothing for a transaction"),
    ("capabilities", "GET [base]/metadata", "", ""),
)  # fmt: skip


def docs(capabilities: dict[str, Any], base_url: str) -> str:
    rest = capabilities.get("rest", [{}])[0]
    parts = [
        '<p><a href="/">首页 Home</a></p>',
        f'<span class="url">[base] = {escape(base_url)}</span>',
        "<h2>交互 <span>Interactions</span></h2>",
        _table((), _INTERACTIONS),
        "<h2>格式与错误 <span>Formats and errors</span></h2>",
        "<p>JSON (<code>application/fhir+json</code>, UTF-8), <code>gzip</code>. "
        "每个错误都是 OperationOutcome，指明位置和原因。"
        "<br><span class='en'>Every error is an OperationOutcome that says where and why. "
        "An unknown search parameter is refused unless the request says </span>"
        "<code>Prefer: handling=lenient</code>.</p>",
        "<h2>资源类型与搜索参数 <span>Resource types and their search parameters</span></h2>",
        _table(("类型 Type", "搜索参数 Search parameters"), map(_resource, rest.get("resource", []))),
    ]
    return page("使用说明 · How to use it", "fhir-server", "".join(parts))


def _resource(resource: dict[str, Any]) -> tuple[str, str]:
    codes = sorted(parameter["name"] for parameter in resource.get("searchParam", []))
    return resource["type"], ", ".join(codes)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    first = f"<tr>{titles}</tr>" if titles else ""
    lines = "".join(
        "<tr>" + "".join(f"<td>{_cell(place, text)}</td>" for place, text in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table>{first}{lines}</table>"


def _cell(place: int, text: str) -> str:
    return escape(text) if place == 0 or not text else f"<code>{escape(text)}</code>"
