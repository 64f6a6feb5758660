"""The drawings of a report: SVG by Matplotlib, with texts as texts, so that the reader's fonts show them.

Imported when a page is asked for: Matplotlib takes most of a second.
"""

import warnings
from collections.abc import Mapping, Sequence
from io import StringIO

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from sankeyflow import Sankey

_BLUE, _ORANGE = "#2b6cb0", "#dd8b2b"
_COLOURS = [_BLUE, _ORANGE, "#4c9f70", "#b4526a", "#7a6bb0", "#7f8c8d"]
_WIDTH = 7.6  # inches; a page has 72 points to one
_BAR = 0.3

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "work-report",  # the same drawing for the same numbers
        "font.sans-serif": ["DejaVu Sans"],  # comes with it; the page names the fonts to show
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def flows(found: Mapping[tuple[str, str], float], left: Sequence[str], right: Sequence[str]) -> str:
    """A Sankey diagram: from the names on the left to those on the right, in the given order."""
    count = max(sum(any(name == pair[side] for pair in found) for name in names)
                for side, names in enumerate((left, right)))  # fmt: skip
    drawing, axes = _drawing(1.2 + 0.9 * count)
    columns = []
    for side, (names, place) in enumerate(((left, "left"), (right, "right"))):
        sums = {name: sum(value for pair, value in found.items() if pair[side] == name) for name in names}
        # the library knows a node by its name: the same name on both sides needs a mark that nobody sees
        columns.append(
            [
                (
                    name + "\u200b" * side,
                    value,
                    {"label_pos": place, "color": _colour(names.index(name))},
                )
                for name, value in sums.items()
                if value
            ]
        )
    ways = [(one, other) for one in left for other in right]  # in the order of the nodes: fewer crossings
    links = [(one, other + "\u200b", found[one, other]) for one, other in ways if found.get((one, other))]
    sankey = Sankey(flows=links, nodes=columns, node_opts={"label_format": "{label}  {value:,.0f}"})
    sankey.draw(axes)
    return _svg(drawing)


def columns(labels: Sequence[str], series: Mapping[str, Sequence[float | None]], unit: str) -> str:
    """Bars side by side over labels such as months. None: not to be shown, marked by an asterisk."""
    drawing, axes = _drawing(3.0)
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [place - 0.4 + width * (number + 0.5) for place in range(len(labels))]
        axes.bar(places, [value or 0 for value in values], width, label=name, color=_colour(number))
        for place, value in zip(places, values, strict=True):
            if value is None:
                axes.annotate("*", (place, 0), ha="center", va="bottom", color=_colour(number))
    axes.set_xticks(range(len(labels)), labels, rotation=45 if len(labels) > 8 else 0)
    axes.set_ylabel(unit)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if len(series) > 1:
        axes.legend(frameon=False)
    return _svg(drawing)


def rows(values: Mapping[str, float], unit: str) -> str:
    """Bars under each other, each with its name and its number."""
    drawing, axes = _drawing(0.9 + _BAR * len(values))
    names = list(values)[::-1]
    bars = axes.barh(names, [values[name] for name in names], color=_BLUE, height=0.7)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_xlabel(unit)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _svg(drawing)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _drawing(height: float) -> tuple[Drawing, Axes]:
    drawing = Drawing(figsize=(_WIDTH, height), layout="constrained")
    return drawing, drawing.subplots()


def _svg(drawing: Drawing) -> str:
    # of the same filter there is one, however often it is set; nothing is put back, so threads may do it
    warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
    out = StringIO()
    drawing.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
