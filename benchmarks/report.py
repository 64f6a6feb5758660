"""Results as JSON, as a table in Markdown, and as a chart."""

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.harness import Result


def write(
    folder: Path, state: dict[str, Any], results: list[Result], profiles: Path | None = None
) -> list[Path]:
    """`<date>.json`, `<date>.md`, `<date>.svg` in `folder`; the chart where matplotlib is installed.

    `profiles`: the folder that `profiled` wrote to, for the page to show where the time went.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = date.today().isoformat()
    figures = {"state": state, "results": [asdict(result) | {"holds": result.holds} for result in results]}
    data = folder / f"{name}.json"
    data.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    drawn = _chart(folder / f"{name}.svg", results)
    page = folder / f"{name}.md"
    page.write_text(_page(name, state, results, drawn) + _profiles(profiles))
    return [data, page] + ([drawn] if drawn else [])


def _page(name: str, state: dict[str, Any], results: list[Result], chart: Path | None) -> str:
    facts = "\n".join(f"- {key}: {value}" for key, value in state.items())
    picture = f"\n![measured, as a multiple of the bar]({chart.name})\n" if chart else ""
    details = "\n\n".join(_details(result) for result in results)
    return f"# Benchmarks of {name}\n\n{facts}\n\n{table(results)}\n{picture}\n{details}\n"


def _profiles(folder: Path | None) -> str:
    if folder is None:
        return ""
    parts = [f"\n### {path.stem}\n\n```\n{path.read_text()}```\n" for path in sorted(folder.glob("*.txt"))]
    return "\n## Where the time goes\n\nFunctions by share of samples, taken by py-spy.\n" + "".join(parts)


def table(results: list[Result]) -> str:
    lines = ["| | workload | measured | bar | | rounds |", "|---|---|---|---|---|---|"]
    for result in results:
        sign = "≤" if result.lower_is_better else "≥"
        rounds = ", ".join(f"{value:,}" for value in result.rounds)
        lines.append(
            f"| {result.workload} | {result.title} | {result.figure:,} {result.unit} "
            f"| {sign} {result.bar:,} | {'holds' if result.holds else '**missed**'} | {rounds} |"
        )
    return "\n".join(lines)


def _details(result: Result) -> str:
    lines = [f"**{result.workload}** {result.title}"]
    for name, value in result.detail.items():
        shown = (
            ", ".join(f"{key} {figure:,}" for key, figure in value.items())
            if isinstance(value, dict)
            else value
        )
        lines.append(f"- {name}: {shown}")
    return "\n".join(lines)


def _chart(path: Path, results: list[Result]) -> Path | None:
    """How many times the bar each result is; above one it holds. None: matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    names = [f"{result.workload} {result.title}" for result in results][::-1]
    times = [
        result.bar / result.figure if result.lower_is_better else result.figure / result.bar
        for result in results
    ][::-1]
    figure = Figure(figsize=(8, 0.5 * len(results) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, times, color=["#2a7f62" if value >= 1 else "#b5482f" for value in times])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("times the bar")
    for row, value in enumerate(times):
        axes.text(value, row, f" {value:.2f}", va="center")
    figure.savefig(path, metadata={"Date": None})
    return path
