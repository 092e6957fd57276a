"""The answers of a study: as a table, and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pruner.study_lab import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#4c72b0", "#dd8452", "#555555"


class Mark(NamedTuple):
    """How a network that stands beside the others is drawn, and what it is called."""

    symbol: str
    label: str


MARKS = {
    "original": Mark("*", "original, not pruned"),
    "shipped": Mark("D", "shipped, retrained at length"),
}


class Column(NamedTuple):
    """A column of a table: what it shows, under which heading, and how."""

    key: str
    heading: str
    show: Callable[[Any], str] = str


def _number(decimals: int, unit: float = 1.0) -> Callable[[Any], str]:
    return lambda value: "" if value is None else f"{value / unit:.{decimals}f}"


_SCORES = (
    Column("mse", "MSE", _number(4)),
    Column("mad", "MAD", _number(4)),
    Column("iou", "IoU", _number(3)),
)
_SIZE = (
    Column("parameters", "M parameters", _number(2, 1e6)),
    Column("macs", "GMAC", _number(2, 1e9)),
)
_TRAINING = (Column("steps", "steps"), Column("minutes", "minutes", _number(1)))
_STRENGTH = (Column("ratio", "ratio", _number(3)), Column("threshold", "threshold", _number(3)))

COLUMNS = {
    "modes": (Column("name", "network"), *_SCORES, *_TRAINING),
    "importance": (
        Column("name", "importance"),
        *_STRENGTH,
        *_SIZE,
        Column("mse_cut", "MSE as cut", _number(4)),
        Column("mse_recalibrated", "recalibrated", _number(4)),
        *_SCORES,
        *_TRAINING,
    ),
    "sweep": (
        Column("name", "network"),
        *_SIZE,
        Column("latency_ms", "ms", _number(1)),
        *_SCORES,
        *_TRAINING,
    ),
}
"""By question, what its table shows."""


def markdown(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """The rows as a table that is legible as it is; what a row does not know stays empty."""
    cells = [[column.heading for column in columns]]
    cells += [
        [column.show(row[column.key]) if column.key in row else "" for column in columns]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
        for line in cells
    ]
    rule = "|:" + "-" * widths[0] + "-|" + "|".join("-" * (width + 1) + ":" for width in widths[1:])
    return "\n".join([lines[0], rule + "|", *lines[1:]]) + "\n"


def draw_modes(rows: Sequence[Row], path: Path) -> None:
    """Bars of the errors: in groups the ways to train, beside each other what the backbone does."""
    figure, axes = _panels(2, width=10)
    trained = {row["kind"]: row for row in rows if row.get("fixed") is False}
    fixed = {row["kind"]: row for row in rows if row.get("fixed") is True}
    for each, measure in zip(axes, ("mse", "mad"), strict=True):
        bars = {
            "backbone trained": [row[measure] for row in trained.values()],
            "backbone fixed": [row[measure] for row in fixed.values()],
        }
        _bars(each, list(trained), bars, title=measure.upper())
        _line(each, rows, measure)
        each.legend(fontsize=8)
    figure.savefig(path, dpi=120)


def draw_importance(rows: Sequence[Row], path: Path) -> None:
    """Bars of the error by criterion: as cut, batch norms recalibrated, retrained."""
    figure, axes = _panels(3, width=11)
    scored = [row for row in rows if "mse_cut" in row]
    titles = {
        "mse_cut": "MSE as cut",
        "mse_recalibrated": "batch norms recalibrated",
        "mse": "retrained",
    }
    for each, (key, title) in zip(axes, titles.items(), strict=True):
        _bars(
            each, [row["name"] for row in scored], {"": [row[key] for row in scored]}, title=title
        )
        _line(each, rows, "mse")
    figure.suptitle("dashed: before pruning", size=9)
    figure.savefig(path, dpi=120)


def draw_sweep(rows: Sequence[Row], path: Path) -> None:
    """Every network where its latency and its error are; a line for each ratio."""
    from matplotlib import colormaps

    figure, (axes,) = _panels(1, width=8)
    ratios = sorted({row["ratio"] for row in rows if "ratio" in row})
    for index, ratio in enumerate(ratios):
        points = sorted(
            (row["threshold"], row["latency_ms"], row["mse"])
            for row in rows
            if row.get("ratio") == ratio
        )
        colour = colormaps["viridis"](0.8 * index / max(1, len(ratios) - 1))
        _, x, y = zip(*points, strict=True)
        axes.plot(x, y, "o-", color=colour, label=f"ratio {ratio:g}")
        for threshold, latency_ms, mse in points:
            axes.annotate(
                f"{threshold:g}",
                (latency_ms, mse),
                (4, 4),
                textcoords="offset points",
                size=7,
                color=colour,
            )
    for row in rows:
        if mark := MARKS.get(row["name"]):
            place = row["latency_ms"], row["mse"]
            axes.plot(*place, mark.symbol, color=ORANGE, ms=11, label=mark.label)
    axes.margins(0.1)
    axes.set(xlim=(0, None), ylim=(0, None), xlabel="ms at 512 x 512", ylabel="MSE")
    axes.set_title("quality against latency; the numbers are thresholds", size=10)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


DRAW = {"modes": draw_modes, "importance": draw_importance, "sweep": draw_sweep}
"""By question, what draws its picture."""


def _panels(count: int, *, width: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 4), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _bars(
    axes: Axes, groups: Sequence[str], bars: Mapping[str, Sequence[float]], *, title: str
) -> None:
    """Bars from zero in groups, with their values on top."""
    width = 0.8 / len(bars)
    for index, (label, values) in enumerate(bars.items()):
        places = [group + (index + 0.5) * width - 0.4 for group in range(len(groups))]
        drawn = axes.bar(places, values, width, label=label, color=(BLUE, ORANGE)[index])
        axes.bar_label(drawn, fmt="%.4f", size=7)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_ylim(bottom=0)
    axes.margins(y=0.1)
    axes.set_title(title, size=10)


def _line(axes: Axes, rows: Sequence[Row], measure: str) -> None:
    """Where the network before pruning stands."""
    value = next(row[measure] for row in rows if row["name"] == "original")
    axes.axhline(value, color=GREY, linestyle="--", linewidth=1, label=f"original {value:.4f}")
