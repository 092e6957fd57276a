"""The benchmark's results as a picture of bars, all of which begin at zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from stream.bench.clip import ClipRow
from stream.bench.latency import LatencyRow
from stream.bench.results import Results
from stream.errors import OutputError
from stream.optional import optional_module

_INCHES_PER_BAR, _WIDTH_INCHES = 0.3, 10.0


def require_drawable(path: Path) -> None:
    """Refuse a picture before the work is done rather than after.

    Raises:
        OutputError: The suffix names no kind of picture that can be drawn.
        UsageError: matplotlib is not installed.
    """
    canvas = optional_module("matplotlib.figure", needed_for="--picture").Figure().canvas
    if path.suffix.lower().removeprefix(".") not in canvas.get_supported_filetypes():
        raise OutputError(f"cannot draw {path.name}", hint="name it something.png or .svg")


def write_picture(path: Path, results: Results) -> None:
    """Draw the times of inferences, and speed, start and memory of whole runs.

    Raises:
        OutputError: The file cannot be written.
        UsageError: matplotlib is not installed.
    """
    charts = [*_latency_charts(results.latency), *_clip_charts(results.clips)]
    heights = [len(chart.names) + 1.5 for chart in charts]
    size = _WIDTH_INCHES, _INCHES_PER_BAR * sum(heights) + 0.5
    matplotlib = optional_module("matplotlib.figure", needed_for="--picture")
    figure = matplotlib.Figure(figsize=size, layout="constrained")
    rows = figure.subfigures(len(charts), 1, squeeze=False, height_ratios=heights)[:, 0]
    for row, chart in zip(rows, charts, strict=True):
        row.suptitle(chart.title, x=0.01, horizontalalignment="left", fontsize=10)
        axes = row.subplots(1, len(chart.values), squeeze=False, sharey=True)[0]
        for axis, (label, values) in zip(axes, chart.values.items(), strict=True):
            _draw(axis, label, chart.names, values)
    figure.supxlabel(f"{results.machine.cpu}, {results.machine.cores} cores", fontsize=8)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


@dataclass(frozen=True)
class _Chart:
    """Bars side by side that share their names: by label, a value for each name."""

    title: str
    names: list[str]
    values: dict[str, list[float]]


def _latency_charts(rows: Sequence[LatencyRow]) -> Iterator[_Chart]:
    for size_wh, group in groupby(rows, key=lambda row: row.size_wh):
        several = list(group)
        yield _Chart(
            f"One inference at {size_wh[0]} x {size_wh[1]}",
            [row.name for row in several],
            {
                "CPU ms, 1 thread": [row.cpu.median_ms for row in several],
                "wall ms, all threads": [row.wall.median_ms for row in several],
            },
        )


def _clip_charts(rows: Sequence[ClipRow]) -> Iterator[_Chart]:
    for (clip, size), group in groupby(rows, key=lambda row: (row.typical.clip, row.typical.size)):
        runs = [row.typical for row in group]
        yield _Chart(
            f"From file to file: {clip}, --size {size}",
            [run.name for run in runs],
            {
                "frames per second": [run.fps for run in runs],
                "CPU ms per frame": [run.cpu_ms for run in runs],
                "start s": [run.start_s for run in runs],
                "peak MB": [run.peak_memory_mb or 0.0 for run in runs],
            },
        )


def _draw(axis: Any, label: str, names: Sequence[str], values: Sequence[float]) -> None:
    drawn = axis.barh(range(len(names)), values, color="#3b6ea5")
    axis.bar_label(drawn, fmt="%.3g", padding=3, fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.25 * max(values) or 1)
    axis.set_xticks([])
    axis.set_title(label, fontsize=8)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
