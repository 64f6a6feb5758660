"""The report as a page for people: everything in it, nothing fetched, nothing that runs."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from fhir_server.alliance.report import charts
from fhir_server.alliance.report.document import shown, title
from fhir_server.alliance.report.figures import TIERS, Cell, Figure
from fhir_server.alliance.report.measure import STRATIFIERS
from fhir_server.alliance.report.period import instant
from fhir_server.alliance.report.report import Report

_ORDER = ("village", "township", "county", "prefecture", "province", "unknown", "-")
_MOST_ROWS = 15  # of a chart; the rest is in the tables
# Chinese fonts of Linux, Windows and macOS: the first that the reader has
_FONTS = (
    '"Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "WenQuanYi Zen Hei", '
    '"WenQuanYi Micro Hei", sans-serif'
)
_STYLE = """
body, svg text { font-family: FONTS !important; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a202c; }
h1 { font-size: 1.6rem; } h2 { border-bottom: 2px solid #2b6cb0; padding-bottom: .2rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #e2e8f0; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { font-weight: bold; } small { color: #4a5568; } details { margin: .3rem 0; }
@media print { details { display: none; } figure { break-inside: avoid; } }
""".replace("FONTS", _FONTS)


def page(report: Report) -> str:
    heading = escape(title(report))
    period = report.period.as_fhir()
    chapters = "".join(
        f"<h2>{chapter.chinese} <small>{chapter.english}</small></h2>"
        + _totals(figures)
        + "".join(_charts(report, chapter.id))
        + "".join(_strata(report, figures))
        for chapter, figures in report.chapters
    )
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{heading}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{heading}</h1>"
        f"<p>{period['start']} 至 {period['end']}（北京时间，含首末） · 成员单位 {report.members} 家</p>"
        f"{chapters}"
        f"<p><small>* 为保护个人信息，小于 5 的数字（以及由此可推算的数字）不显示。"
        f"生成时间 {instant(report.made_ms * 1000)}</small></p></body></html>"
    )


def _totals(figures: Sequence[Figure]) -> str:
    rows = "".join(
        f"<tr><td>{each.measure.chinese}<br><small>{each.measure.english} · {each.measure.id}</small></td>"
        f'<td class="number">{shown(each.measure, each.total)} {each.measure.unit}</td></tr>'
        for each in figures
    )
    return f"<table>{rows}</table>"


def _strata(report: Report, figures: Sequence[Figure]) -> Iterator[str]:
    for figure in figures:
        tables = "".join(
            f"<tr><th colspan=2>{STRATIFIERS[stratifier][0]}</th></tr>"
            + "".join(
                f"<tr><td>{escape(report.labels.of(stratifier, name))}</td>"
                f'<td class="number">{shown(figure.measure, cell)}</td></tr>'
                for name, cell in cells.items()
            )
            for stratifier, cells in figure.strata.items()
            if cells
        )
        if tables:
            yield (
                f"<details><summary>{figure.measure.chinese}：分类</summary><table>{tables}</table></details>"
            )


# ---- drawings


def _charts(report: Report, chapter: str) -> Iterator[str]:
    figures = {each.measure.id: each for each in report.figures}
    match chapter:
        case "members":
            yield from _rows(report, figures["MEM-BY-MODE"], "mode", "成员单位（按合作方式）")
        case "referrals":
            for id_, name in (("R-UP", "向上转诊"), ("R-DOWN", "向下转诊")):
                yield from _flows(report, figures[id_], f"{name}住院病人：机构层级流向")
            both = {"上转": figures["R-UP"], "下转": figures["R-DOWN"]}
            yield from _months(both, "双向转诊（按月）")
            yield from _rows(report, figures["R-UP"], "specialty", "向上转诊（按专科）")
            yield from _rows(report, figures["R-DOWN"], "specialty", "向下转诊（按专科）")
        case "rotations":
            yield from _rows(report, figures["ROT-EXPERTS"], "specialty", "下沉专家（按专科）")
            yield from _rows(report, figures["ROT-DOWN-POSTED"], "mode", "派出专家（按方式）")
            yield from _months({"坐诊、义诊、巡回指导": figures["ROT-SESSIONS"]}, "专家坐诊等（按月）")
            yield from _months({"参加人次": figures["EDU-ATTEND"]}, "讲座和培训（按月）")


def _visible(figure: Figure, stratifier: str) -> dict[str, float]:
    """What may be shown. Hidden numbers are in no drawing."""
    return {name: cell.value for name, cell in figure.strata[stratifier].items() if not cell.hidden}


def _flows(report: Report, figure: Figure, caption: str) -> Iterator[str]:
    ways: dict[tuple[str, str], float] = {}
    for pair, value in _visible(figure, "tier-pair").items():
        one, other = pair.split(TIERS)
        ways[one, other] = value
    if ways:
        order = [each for each in _ORDER if any(each in way for way in ways)]
        named = {each: report.labels.tier(each) for each in order}
        drawn: dict[tuple[str, str], float] = {}
        for (one, other), value in ways.items():
            way = named[one], named[other]  # the same words may stand for several
            drawn[way] = drawn.get(way, 0) + value
        names = list(dict.fromkeys(named.values()))
        yield _figure(caption, charts.flows(drawn, names, names))


def _months(figures: Mapping[str, Figure], caption: str) -> Iterator[str]:
    found = {name: figure.strata["month"] for name, figure in figures.items()}
    months = sorted({month for cells in found.values() for month in cells})
    if any(not cell.hidden for cells in found.values() for cell in cells.values()):
        unit = next(iter(figures.values())).measure.unit
        series = {name: [_shown(cells.get(month)) for month in months] for name, cells in found.items()}
        yield _figure(caption, charts.columns(months, series, unit))


def _shown(cell: Cell | None) -> float | None:
    """0 for a month without events; None: not to be shown."""
    if cell is None:
        return 0
    return None if cell.hidden else cell.value


def _rows(report: Report, figure: Figure, stratifier: str, caption: str) -> Iterator[str]:
    found = sorted(_visible(figure, stratifier).items(), key=lambda each: (-each[1], each[0]))[:_MOST_ROWS]
    if found:
        named = {report.labels.of(stratifier, name): value for name, value in found}
        yield _figure(caption, charts.rows(named, figure.measure.unit))


def _figure(caption: str, svg: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{svg}</figure>"
