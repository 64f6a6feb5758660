"""The page that a person sees who opens the server in a browser. HTML without anything from elsewhere."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from fhir_server.rest.url import BASE_PATH


@dataclass(frozen=True, slots=True)
class Overview:
    version: str
    release: str  # of FHIR, `4.0.1`
    totals: Mapping[str, int]  # resources by type, those of the definitions not among them
    definitions: Mapping[str, int]  # canonical resources by type that came with the server or in packages
    demo: bool  # the demonstration alliance is there
    open: bool  # no authentication


@dataclass(frozen=True, slots=True)
class Link:
    target: str  # below the base, plain text
    chinese: str
    english: str
    needs: str = ""  # a type of which there must be resources; "": none


EXAMPLES = (
    Link("Patient?_count=10", "患者", "Patients", "Patient"),
    Link("Observation?_sort=-date&_count=10", "最新的检验检查结果", "Latest observations", "Observation"),
    Link("_history?_count=10", "最近的全部变更", "Latest changes of everything"),
    Link("StructureDefinition/Patient", "Patient 的定义", "The definition of Patient"),
    Link("SearchParameter?base=Patient&_elements=code,expression", "Patient 的搜索参数",
         "The search parameters of Patient"),
)  # fmt: skip

DEMO_EXAMPLES = (
    Link("Task?status=requested,received,accepted,in-progress&_sort=-modified", "进行中的转诊",
         "Referrals under way"),
    Link("ServiceRequest?priority=stat&_include=ServiceRequest:subject", "危急转诊及其患者",
         "Emergency referrals with their patients"),
    Link("Organization?name=青岭", "按名称查找医院", "A hospital by its name"),
    Link("Patient?name=张", "按姓氏查找患者", "Patients by family name"),
    Link("Patient?name=Zhang&gender=female", "按拼音查找女性患者", "The same in pinyin, women only"),
    Link("OrganizationAffiliation?_include=OrganizationAffiliation:participating-organization&_count=20",
         "医联体成员", "Members of the alliance"),
    Link("PractitionerRole?_include=PractitionerRole:practitioner&_count=10", "医师及其岗位",
         "Practitioners and their posts"),
    Link("Organization/organization-430181/$work-report?start=2026-01-01&end=2027-01-01&format=html",
         "年度工作报告", "The annual report of the alliance, with charts"),
    Link("Task/task-down-009/$available-actions", "转诊任务可执行的操作", "What can be done with a referral"),
)  # fmt: skip

SYSTEM = (
    ("/docs", "使用说明", "How to use it"),
    (f"{BASE_PATH}/metadata?_pretty=true", "能力声明", "CapabilityStatement"),
    ("/health", "存活检查", "Health"),
    ("/ready", "就绪检查", "Readiness"),
)

_CSS = """
:root{--ink:#16202b;--soft:#5a6875;--line:#dbe2e8;--tint:#f4f7f9;--accent:#0b6e75}
*{box-sizing:border-box}
body{margin:0;color:var(--ink);background:#fff;
font:16px/1.6 system-ui,"Segoe UI","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
header{background:var(--accent);color:#fff;padding:2.2rem 1.5rem}
header>*,main{max-width:64rem;margin:0 auto}
h1{margin:0 auto;font-size:1.9rem;line-height:1.25;font-weight:650}
header p{margin-top:.4rem;opacity:.92}
main{padding:1.5rem}
h2{font-size:1.15rem;margin:2rem 0 .6rem;font-weight:650}
h2 span,.en{color:var(--soft);font-weight:400}
code,.url{font:0.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.url{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.55rem .8rem;
display:block;overflow-wrap:anywhere}
a{color:var(--accent)}
ul{list-style:none;padding:0;margin:0}
.links li{padding:.5rem 0;border-top:1px solid var(--line)}
.links code{display:block;color:var(--soft);overflow-wrap:anywhere}
.counts{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.4rem .8rem}
.counts a{display:flex;justify-content:space-between;background:var(--tint);border-radius:6px;
padding:.3rem .7rem;text-decoration:none}
.counts b{font-variant-numeric:tabular-nums;font-weight:600;color:var(--ink)}
.note{border-left:4px solid #c77700;background:#fff7e8;padding:.6rem .9rem;margin:1.2rem 0 0}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.45rem .8rem .45rem 0;border-top:1px solid var(--line)}
th{color:var(--soft);font-weight:400}
footer{max-width:64rem;margin:1rem auto 3rem;padding:0 1.5rem;color:var(--soft)}
""".strip()

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()}'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(title: str, subtitle: str, body: str) -> str:
    """A whole page; `title` and `subtitle` are text, `body` is HTML."""
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body>"
        f"<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header><main>{body}</main>"
        "<footer>fhir-server · Apache-2.0 · HL7® and FHIR® are registered trademarks of "
        "Health Level Seven International</footer></body></html>"
    )


def home(overview: Overview, base_url: str) -> str:
    examples = [link for link in EXAMPLES if not link.needs or overview.totals.get(link.needs)]
    parts = [
        _note(overview),
        _section("服务地址", "FHIR base URL"),
        f'<span class="url">{escape(base_url)}</span>',
        _section("现有数据", "What is loaded"),
        _counts(overview.totals) if overview.totals else _empty(),
    ]
    if overview.demo:
        parts += [_section("示范医联体", "Demonstration alliance"), _links(DEMO_EXAMPLES)]
    parts += [_section("试一试", "Try it"), _links(examples)]
    parts += [_section("系统", "System"), _system_links()]
    if overview.definitions:
        parts += [_section("规范定义", "Definitions that can be read here"), _counts(overview.definitions)]
    subtitle = (
        f"医联体互操作服务器 · A FHIR server for regional hospital alliances · FHIR R4 ({overview.release})"
    )
    return page(f"fhir-server {overview.version}", subtitle, "".join(parts))


def _section(chinese: str, english: str) -> str:
    return f"<h2>{escape(chinese)} <span>{escape(english)}</span></h2>"


def _note(overview: Overview) -> str:
    if not overview.open:
        return ""
    return (
        '<p class="note">开放模式：没有身份验证，只能从本机访问。请勿存放真实患者数据。'
        "<br>Open mode: no authentication, reachable from this machine only. "
        "Do not put records of real patients here.</p>"
    )


def _empty() -> str:
    return (
        "<p>还没有数据。<span class='en'>Nothing yet: </span><code>fhir-server load PATH</code>"
        "<span class='en'> or </span><code>fhir-server demo load</code></p>"
    )


def _counts(totals: Mapping[str, int]) -> str:
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    items = (
        f'<li><a href="{_href(f"{name}?_count=20")}">{escape(name)} <b>{count:,}</b></a></li>'
        for name, count in ordered
        if count
    )
    return f'<ul class="counts">{"".join(items)}</ul>'


def _links(links: Iterable[Link]) -> str:
    items = (
        f'<li><a href="{_href(link.target)}">{escape(link.chinese)}</a> '
        f'<span class="en">{escape(link.english)}</span>'
        f"<code>GET {BASE_PATH}/{escape(link.target)}</code></li>"
        for link in links
    )
    return f'<ul class="links">{"".join(items)}</ul>'


def _system_links() -> str:
    items = (
        f'<li><a href="{escape(target)}">{escape(chinese)}</a> <span class="en">{escape(english)}</span></li>'
        for target, chinese, english in SYSTEM
    )
    return f'<ul class="links">{"".join(items)}</ul>'


def _href(target: str) -> str:
    """The link for a person: laid out, and percent-encoded."""
    path, _, query = target.partition("?")
    asked = f"{query}&_pretty=true" if query else "_pretty=true"
    return escape(f"{BASE_PATH}/{quote(path)}?{quote(asked, safe='=&,:-_.*')}")
