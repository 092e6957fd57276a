"""The benchmark's results as a picture of bars, all of which begin at zero."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stream.bench_results import Results
from stream.errors import OutputError
from stream.optional import optional_module

_INCHES_PER_BAR, _WIDTH_INCHES = 0.34, 9.0


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
    """Draw the processor time per inference, and the frames per second of whole runs.

    Raises:
        OutputError: The file cannot be written.
        UsageError: matplotlib is not installed.
    """
    panels: list[tuple[str, list[tuple[str, float]]]] = [
        (
            "CPU ms per inference, one thread (less is better)",
            [(f"{row.name}, {_size(row.size_wh)}", row.cpu.median_ms) for row in results.latency],
        ),
        (
            "frames per second, file to file (more is better)",
            [
                (f"{run.name}, {run.clip}, --size {run.size}", run.fps)
                for run in (row.typical for row in results.clips)
            ],
        ),
    ]
    drawn = [(title, bars) for title, bars in panels if bars]
    heights = [len(bars) + 1.5 for _, bars in drawn]
    size = _WIDTH_INCHES, _INCHES_PER_BAR * sum(heights) + 0.5
    matplotlib = optional_module("matplotlib.figure", needed_for="--picture")
    figure = matplotlib.Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(drawn), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, bars) in zip(axes, drawn, strict=True):
        _draw(axis, title, bars)
    figure.supxlabel(f"{results.machine.cpu}, {results.machine.cores} cores", fontsize=8)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def _draw(axis: Any, title: str, bars: Sequence[tuple[str, float]]) -> None:
    names, values = zip(*bars, strict=True)
    drawn = axis.barh(range(len(bars)), values, color="#3b6ea5")
    axis.bar_label(drawn, fmt="%.1f", padding=3)
    axis.set_yticks(range(len(bars)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.12 * max(values) or 1)
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"
