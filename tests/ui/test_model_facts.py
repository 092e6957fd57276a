from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ui.tiny_models import write_weights
from ui.model_facts import shipped_models
from ui.tab_compression import model_table

FOUR = ("original", "original-int8", "pruned", "pruned-int8")

BENCHMARK = {
    "machine": {"cpu": "a processor", "cores": 2},
    "latency": [
        {"name": name, "size_wh": [side, side], "wall": {"median_ms": side / 512 * (10 + place)}}
        for side in (256, 512)
        for place, name in enumerate(FOUR)
    ],
}
"""As `python -m stream.benchmark --json` writes it, without what is not read."""

EVALUATION = {
    "pictures": {
        "means": {
            "all (140)": {
                name: {"mse": 0.01 * place, "mad": 0.02 * place, "iou": 0.9}
                for place, name in enumerate(FOUR, 1)
            },
            "indoors (40)": {name: {"mse": 1, "mad": 1, "iou": 0} for name in FOUR},
        },
        "scores": {name: {"one.png": {"mse": 7}} for name in FOUR},
    }
}
"""As `python -m pruner.evaluate --json` writes it."""


def weights_with(folder: Path, *reports: object) -> Path:
    write_weights(folder, names=FOUR)
    (folder / "reports").mkdir()
    for place, report in enumerate(reports):
        text = report if isinstance(report, str) else json.dumps(report)
        (folder / "reports" / f"{place}.json").write_text(text)
    return folder


def test_models_are_told_without_any_report(weights: Path) -> None:
    facts = shipped_models(weights)
    assert [model.card.title for model in facts.models] == ["MODNet", "MODNet-P"]
    assert facts.notes == []


def test_latency_and_quality_of_every_model_are_read(tmp_path: Path) -> None:
    facts = shipped_models(weights_with(tmp_path, BENCHMARK, EVALUATION))
    assert [dict(model.scores) for model in facts.models] == [
        {"latency_ms": 10 + place, "mse": mse, "mad": 2 * mse, "iou": 0.9}
        for place, mse in enumerate([0.01, 0.02, 0.03, 0.04])
    ]
    latency, quality = facts.notes
    assert "on 2 cores of a processor" in latency
    assert "over 140 pictures" in quality


def test_what_several_reports_of_one_machine_say_is_told_once(tmp_path: Path) -> None:
    assert len(shipped_models(weights_with(tmp_path, BENCHMARK, BENCHMARK)).notes) == 1


@pytest.mark.parametrize(
    "report",
    [
        {"pruned": {"mse": 0.01, "latency_ms": 20}},
        {"models": {"pruned": {"scores": {"mse": 0.01}, "latency_ms": 20}, "other": {"mse": 7}}},
        [{"model": "pruned", "mse": 0.01, "all": {"mse": 9, "latency_ms": 20}}],
    ],
)
def test_scores_are_found_wherever_a_report_has_them(tmp_path: Path, report: object) -> None:
    scores = {
        model.card.name: model.scores
        for model in shipped_models(weights_with(tmp_path, report)).models
    }
    assert scores["pruned"] == {"mse": 0.01, "latency_ms": 20}
    assert scores["original"] == {}


@pytest.mark.parametrize("report", ["{ broken", [], {"pruned": 3}, {"pruned": {"mse": "low"}}])
def test_a_report_that_says_nothing_does_no_harm(tmp_path: Path, report: object) -> None:
    facts = shipped_models(weights_with(tmp_path, report))
    assert not any(model.scores for model in facts.models)
    assert facts.notes == []


def test_the_table_has_a_row_for_each_model_and_a_column_for_what_is_known(tmp_path: Path) -> None:
    table = model_table(shipped_models(weights_with(tmp_path, EVALUATION)))
    assert table.count("<tr>") == 1 + 4
    for title in ("Parameters, million", "MSE", "MAD", "IoU", "MODNet-P INT8", "0.0300"):
        assert title in table
    assert "Latency" not in table


def test_the_bars_of_the_table_start_at_zero(tmp_path: Path) -> None:
    table = model_table(shipped_models(weights_with(tmp_path, {"latency_ms": 0, **EVALUATION})))
    assert "width:25.0%" in table  # the MSE of the first is a quarter of the last one's
