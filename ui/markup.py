"""The page's own pieces of HTML: progress, results, tables. All text in them is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from html import escape

from ui.comparison import HOW, Comparison, Row, is_noise
from ui.live import LiveRate
from ui.progress import Progress

_TIMES = "\N{MULTIPLICATION SIGN}"


def number(value: float | None) -> str:
    """Three digits that matter; a dash for what is unknown."""
    if value is None:
        return "–"  # noqa: RUF001  a dash
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def note(text: str, *, kind: str = "plain") -> str:
    """A line of text; kinds are "plain" and "good"."""
    return f'<p class="note {kind}">{escape(text)}</p>'


WAITING, STOPPED = note("Waiting for its turn …"), note("Stopped.")
"""What stands where the progress does, before and after."""
FAILED = note("That did not work; the message says why.")
"""What stands there after a fault."""


def is_working(status: str | None) -> bool:
    """Whether what stands where the progress does says that a job waits or works."""
    return status == WAITING or '"progress"' in (status or "")


def progress(state: Progress, labels: Sequence[str]) -> str:
    """A bar with the frame and the time left."""
    if state.working is None:
        return _bar(0.0, "Getting the models ready …", "")
    words = f"Frame {state.done}"
    share = 0.0
    if state.total is not None:
        words += f" of {state.total}"
        share = min(1.0, state.done / state.total)
    if len(labels) > 1:
        words += f" · {labels[state.working]} is working"
    left = "" if state.seconds_left is None else _duration(state.seconds_left) + " left"
    return _bar(share, words, left)


def _bar(share: float, words: str, left: str) -> str:
    return (
        '<div class="progress" role="progressbar" aria-label="Progress" aria-valuemin="0" '
        'aria-valuemax="100" '
        f'aria-valuenow="{100 * share:.0f}"><div class="words"><span>{escape(words)}</span>'
        f'<span>{escape(left)}</span></div><div class="track"><div style="width:{share:.1%}">'
        "</div></div></div>"
    )


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def headline(comparison: Comparison, frame_rate: Fraction | None = None) -> str:
    """The result in large letters; the player finds there how long a frame is shown."""
    sides = comparison.sides
    figures = "".join(
        f'<div class="figure {place}"><b>{number(side.report.fps)}</b>'
        f"<span>frames per second</span><i>{escape(side.label)}</i></div>"
        for place, side in zip("ab", sides, strict=True)
    )
    rate = float(frame_rate or 25)
    return (
        f'<div class="headline" data-frame-rate="{rate:g}"><p>{escape(comparison.headline())}</p>'
        f'<div class="figures">{figures}</div></div>'
    )


def comparison_table(comparison: Comparison) -> str:
    """The table of numbers, each with a bar that starts at zero."""
    a, b = (escape(side.label) for side in comparison.sides)
    body = "".join(map(_table_row, comparison.rows()))
    body += (
        '<tr><th scope="row">Difference of the mattes <small>mean, of full opacity</small></th>'
        f'<td colspan="3">{comparison.mean_difference:.2%}</td></tr>'
    )
    report = comparison.sides[1].report
    width, height = report.input_size_wh or (0, 0)
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    where = (
        f"{report.device} ({comparison.machine}); the network sees {width} by {height} pixels; "
        f"{report.frames_out} frames; {versions}."
    )
    return (
        '<div class="scroll"><table class="numbers"><thead><tr><td></td>'
        f'<th scope="col" class="a">{a}</th><th scope="col" class="b">{b}</th>'
        f'<th scope="col">{b} is</th></tr></thead><tbody>{body}</tbody></table></div>'
        '<details class="how"><summary>Each model was timed alone, on the same frames, turn by '
        f"turn. How this was measured</summary><p>{escape(HOW)}</p>"
        f"<p>{escape(where)}</p></details>"
    )


def _table_row(row: Row) -> str:
    most = max(value for value in row.values if value is not None)
    cells = "".join(
        bar_cell(place, value, number(value), most=most)
        for place, value in zip("ab", row.values, strict=True)
    )
    label = f"{escape(row.label)} <small>{escape(row.unit)}</small>"
    return f'<tr><th scope="row">{label}</th>{cells}<td>{_against(row)}</td></tr>'


def bar_cell(place: str, value: float | None, text: str, *, most: float) -> str:
    """A cell of a table with a bar that starts at zero and is full at `most`.

    Args:
        place: "a" or "b": its colour.
        value: What the bar shows.
        text: What stands above it.
        most: The greatest value of those that are to be compared.
    """
    share = 0.0 if value is None or not most else value / most
    return (
        f'<td class="{place}"><span>{escape(text)}</span><div class="bar">'
        f'<div style="width:{share:.1%}"></div></div></td>'
    )


def _against(row: Row) -> str:
    """The second value in words, seen from the first."""
    first, second = row.values
    verdict = row.verdict
    if not first or not second or verdict is None:
        return ""
    factor = second / first if verdict.more_is_better else first / second
    if is_noise(factor):
        return "about the same"
    if factor > 1:
        return f'<span class="good">{factor:.1f}{_TIMES} {verdict.better}</span>'
    return f'<span class="bad">{1 / factor:.1f}{_TIMES} {verdict.worse}</span>'


def live_rate(rate: LiveRate, model: str) -> str:
    """How the live view keeps up, and which model it is."""
    width, height = rate.input_size_wh
    return (
        f'<p class="rate"><b>{number(rate.fps)}</b> pictures per second '
        f"<span>{escape(model)} {number(rate.network_ms)} ms at {width} by {height}</span></p>"
    )
