from __future__ import annotations

import json
from pathlib import Path

import pytest

from stream.report import RunReport
from stream.stats import Timing
from ui.choices import ModelCard
from ui.comparison import HOW, Comparison, Row, Side


def side(label: str, *, fps: float, network_ms: float, macs: int | None = 1_000_000_000) -> Side:
    stages = {
        "capture": Timing(100, 1.0, 2.0),
        "matting": Timing(100, network_ms, 2 * network_ms),
        "composite": Timing(100, 3.0, 4.0),
    }
    report = RunReport(
        source="clip.mp4",
        model=label,
        device="CPU",
        input_size_wh=(1024, 512),
        frame_size_wh=(1280, 640),
        frames_in=100,
        frames_out=100,
        frames_dropped=0,
        interrupted=False,
        wall_s=100 / fps,
        cpu_s=20.0,
        latency=Timing(100, 50.0, 60.0),
        stages=stages,
        versions={"python": "3"},
    )
    return Side(label, report, ModelCard(label, label, Path("x.xml"), macs=macs))


def comparison(**of_the_second: float) -> Comparison:
    second = {"fps": 15.0, "network_ms": 40.0} | of_the_second
    first = side("Large", fps=5.0, network_ms=160.0)
    return Comparison((first, side("Small", **second)), 0.0123, 2.5, machine="a processor")


def row(label: str, of: Comparison) -> Row:
    return next(row for row in of.rows() if row.label.startswith(label))


def test_the_headline_says_how_much_faster_and_how_different() -> None:
    words = comparison().headline()
    assert words == "Small is 3.0 times as fast as Large. Their mattes differ by 1.23% on average."


@pytest.mark.parametrize(("fps", "words"), [(5.1, "is as fast as"), (4.0, "is slower than")])
def test_the_headline_does_not_boast(fps: float, words: str) -> None:
    assert words in comparison(fps=fps).headline()


def test_the_table_has_the_numbers_of_the_runs() -> None:
    made = comparison()
    assert row("Speed", made).values == pytest.approx((5, 15))
    assert row("Network, median", made).values == (160, 40)
    assert row("Network, 95", made).values == (320, 80)
    assert row("New background", made).values == (3, 3)
    assert row("Processor time", made).values == (200, 200)


def test_the_work_is_that_at_the_size_the_network_was_run_at() -> None:
    assert row("Work per frame", comparison()).values == (2, 2)


def test_what_is_unknown_of_both_is_left_out() -> None:
    labels = [row.label for row in comparison().rows()]
    assert "Parameters" not in labels
    assert "Model file" not in labels


def test_the_report_holds_everything_and_how_it_was_measured() -> None:
    report = json.loads(comparison().to_json())
    assert report["how"] == HOW
    assert report["mean_matte_difference"] == 0.0123
    assert [model["run"]["fps"] for model in report["models"]] == pytest.approx([5, 15])
    assert report["models"][0]["run"]["stages"]["matting"]["p95_ms"] == 320
    assert "/" not in report["models"][0]["run"]["source"]
