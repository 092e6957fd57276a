"""What is known about the shipped models: their sizes, and what the reports beside them say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.inference.model_files import WEIGHTS
from ui.choices import ModelCard, model_cards

SIZE_WH = [512, 512]
"""Width and height of the network's input in pixels for which latencies are told."""

SCORES = {"latency_ms": "Latency, ms", "mse": "MSE", "mad": "MAD", "iou": "IoU"}
"""What is looked for in the reports, and what people call it."""


@dataclass(frozen=True)
class ModelFacts:
    """A model and what the reports say about it, by the keys of `SCORES`."""

    card: ModelCard
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Facts:
    """All models, and how the numbers of the reports came about, in sentences."""

    models: list[ModelFacts]
    notes: list[str]


def shipped_models(folder: Path = WEIGHTS) -> Facts:
    """Every model of the manifest, with what the files `reports/*.json` beside it say.

    These are what `python -m stream.benchmark --json` and `python -m pruner.evaluate --json` write;
    others are searched for the models' names as well. What comes first counts.

    Raises:
        ModelError: There is no manifest.
    """
    cards = model_cards(folder)
    scores: dict[str, dict[str, float]] = {name: {} for name in cards}
    notes: list[str] = []
    for path in sorted((folder / "reports").glob("*.json")):
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for name, entry in _entries(report, cards):
            for score, value in _numbers(entry):
                scores[name].setdefault(score, value)
        notes += _notes(report)
    once = list(dict.fromkeys(notes))  # several reports come from one machine
    return Facts([ModelFacts(card, scores[name]) for name, card in cards.items()], once)


def _entries(data: object, names: Mapping[str, ModelCard]) -> Iterator[tuple[str, object]]:
    """What a report says about each model, wherever in it that stands."""
    if isinstance(data, list):
        for item in data:
            yield from _entries(item, names)
    if not isinstance(data, dict) or data.get("size_wh", SIZE_WH) != SIZE_WH:
        return
    named = data.get("model", data.get("name"))
    if isinstance(named, str) and named in names:
        yield named, data
    for key, value in data.items():
        if key in names and isinstance(value, dict):
            yield key, value
        else:
            yield from _entries(value, names)


def _numbers(entry: object) -> Iterator[tuple[str, float]]:
    """The scores in an entry, those that stand further out first."""
    if not isinstance(entry, dict):
        return
    found = {**entry, "latency_ms": entry.get("latency_ms", _at(entry, "wall", "median_ms"))}
    for key, value in found.items():
        if key in SCORES and isinstance(value, int | float) and not isinstance(value, bool):
            yield key, float(value)
    for value in entry.values():
        yield from _numbers(value)


def _notes(report: object) -> Iterator[str]:
    """How a report's numbers came about, as far as it says."""
    if cpu := _at(report, "machine", "cpu"):
        cores = _at(report, "machine", "cores")
        yield f"Latency: one inference at 512 by 512, median, on {cores} cores of {cpu}."
    means = _at(report, "pictures", "means")
    if isinstance(means, dict) and (count := re.search(r"\((\d+)\)", next(iter(means), ""))):
        yield (
            "MSE, MAD (mean squared and mean absolute error, less is better) and IoU (overlap with "
            f"the true person, more is better): means over {count[1]} pictures."
        )


def _at(data: object, *path: str) -> Any:
    """What stands in nested dictionaries; None where there is nothing."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data
