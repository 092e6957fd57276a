from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from rich.console import Console

from pruner.cost import Cost
from pruner.groups import Branch, groups
from pruner.report import PruneReport, Size
from tests.pruner.networks import TINY


@pytest.fixture
def report() -> PruneReport:
    known = groups(TINY)
    return PruneReport(
        settings={"ratio": 0.5, "threshold": 0.25, "importance": "l1"},
        groups=known,
        counts={name: (group.width + 1) // 2 for name, group in known.items()},
        before=Size(
            Cost(2_000_000, 8_000_000_000, 9_000_000_000, 60_000_000, (512, 288)), 4_000_000, 50.0
        ),
        after=Size(
            Cost(500_000, 4_000_000_000, 4_200_000_000, 35_000_000, (512, 288)), 1_000_000, 20.0
        ),
    )


def text(table: object) -> str:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_the_halves_of_a_layer_stand_together(report: PruneReport) -> None:
    change = next(change for change in report.changes() if change.layer == "hr4x[2]")
    assert change == ("hr4x[2]", Branch.HR, (3, 6), (2, 3))
    assert len(report.changes()) == 43


def test_the_tables_name_every_layer_and_every_size(report: PruneReport) -> None:
    widths = text(report.widths_table())
    for change in report.changes():
        assert change.layer in widths
    assert "3 + 6" in widths
    assert "2 + 3" in widths
    sizes = text(report.size_table())
    for piece in (
        "2.00 M",
        "0.50 M",
        "4.00 x",
        "MACs at 512 x 288",
        "8.00 G",
        "60.00 M",
        "50.00 ms",
        "2.50 x",
    ):
        assert piece in sizes


def test_a_latency_that_was_not_measured_is_not_shown(report: PruneReport) -> None:
    unmeasured = PruneReport(
        settings=report.settings,
        groups=report.groups,
        counts=report.counts,
        before=Size(report.before.cost, 1),
        after=Size(report.after.cost, 1),
    )
    assert "latency" not in text(unmeasured.size_table())
    assert json.loads(unmeasured.to_json())["after"]["latency_ms"] is None


def test_the_json_holds_everything(report: PruneReport) -> None:
    data = json.loads(report.to_json())
    assert data["settings"]["threshold"] == 0.25
    assert data["before"]["cost"]["macs_with_heads"] == 9_000_000_000
    assert data["after"]["file_bytes"] == 1_000_000
    assert data["groups"]["lr16x.batch"] == {"branch": "low resolution", "before": 6, "after": 3}
    assert list(data["groups"]) == list(report.groups)


def test_the_picture_is_a_picture(report: PruneReport, tmp_path: Path) -> None:
    report.draw(tmp_path / "widths.png")
    picture = cv2.imread(str(tmp_path / "widths.png"))
    assert picture is not None
    assert picture.shape[0] > picture.shape[1] > 500
    assert len({tuple(pixel) for pixel in picture[::20, ::20].reshape(-1, 3)}) > 5
