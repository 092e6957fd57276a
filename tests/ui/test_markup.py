from __future__ import annotations

import re
from fractions import Fraction

import pytest

from tests.ui.test_comparison import comparison
from ui.live import LiveRate
from ui.markup import (
    STOPPED,
    WAITING,
    comparison_table,
    headline,
    is_working,
    live_rate,
    note,
    number,
    progress,
)
from ui.progress import Progress


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\N{EN DASH}"), (0.5, "0.50"), (9.997, "10.0"), (61.27, "61.3"), (15472.3, "15,472")],
)
def test_numbers_have_the_digits_that_matter(value: float | None, text: str) -> None:
    assert number(value) == text


def test_bars_start_at_zero() -> None:
    html = comparison_table(comparison())
    speed = re.search(r"Speed.*?</tr>", html)
    assert speed is not None
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%", speed[0])]
    assert widths == pytest.approx([33.3, 100.0], abs=0.1)


def test_the_table_says_who_is_better_by_how_much() -> None:
    html = comparison_table(comparison())
    assert "3.0\N{MULTIPLICATION SIGN} faster" in html
    assert html.count("4.0\N{MULTIPLICATION SIGN} faster") == 3  # the network, its tail, the matte
    assert html.count("about the same") == 2  # processor time and work


def test_the_table_tells_the_difference_of_the_mattes() -> None:
    assert re.search(r"Difference of the mattes.*1\.23%", comparison_table(comparison()))


def test_the_table_says_how_it_was_measured() -> None:
    html = comparison_table(comparison())
    assert "Each model was timed alone" in html
    assert "a processor" in html
    assert "1024 by 512" in html


def test_the_headline_shows_both_speeds() -> None:
    text = headline(comparison(), Fraction(30000, 1001))
    assert re.findall(r"<b>([\d.]+)</b>", text) == ["5.00", "15.0"]
    assert 'data-frame-rate="29.97"' in text


def test_progress_tells_the_frame_the_model_and_the_time_left() -> None:
    html = progress(Progress(1, 40, 160, 75.4), ["Large", "Small"])
    for words in ("Frame 40 of 160", "Small is working", "1 min 15 s left", "width:25.0%"):
        assert words in html


def test_progress_manages_without_knowing_the_end() -> None:
    html = progress(Progress(0, 40), ["Large"])
    assert "Frame 40<" in html
    assert "left" not in html


def test_text_is_never_taken_for_html() -> None:
    assert "<img" not in note("<img src=x onerror=alert(1)>")
    assert "<b>x" not in progress(Progress(0, 1), ["<b>x</b>", "y"])


def test_a_status_tells_whether_a_job_is_there() -> None:
    assert is_working(WAITING)
    assert is_working(progress(Progress(), ["MODNet"]))
    for words in (STOPPED, "", None):
        assert not is_working(words)


def test_the_live_rate_names_the_model_and_the_size() -> None:
    words = live_rate(LiveRate(8.5, 44.0, (320, 256)), "MODNet & more")
    assert "<b>8.50</b> pictures per second" in words
    assert "MODNet &amp; more 44.0 ms at 320 by 256" in words
