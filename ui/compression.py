"""What pruning did to the network, as far as the files of the models tell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from stream.model_files import WEIGHTS
from ui.choices import ModelCard, model_cards

SCORES = {"latency_ms": "Latency, ms", "mse": "MSE", "mad": "MAD", "iou": "IoU"}
"""What is looked for in the reports, and what people call it."""

_CHARTS = {
    "Backbone, inside its blocks": ("hidden",),
    "Backbone, between its blocks": ("stem", "blocks", "last", "se"),
    "Branches that draw the matte": (
        *("lr16x", "lr8x", "enc2x", "enc4x", "down2x", "mix4x", "hr4x", "hr2x"),
        *("lr4x", "f2x", "f"),
    ),
}
"""The widths by where they are in the network; the head that only training uses is left out."""


@dataclass(frozen=True)
class ModelFacts:
    """A model and what the reports say about it, by the keys of `SCORES`."""

    card: ModelCard
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerWidth:
    """How many channels a layer had and has."""

    layer: str
    before: int
    after: int


def shipped_models(folder: Path = WEIGHTS) -> list[ModelFacts]:
    """Every model of the manifest with the scores that `reports/*.json` beside it give.

    Raises:
        ModelError: There is no manifest.
    """
    cards = model_cards(folder)
    scores: dict[str, dict[str, float]] = {name: {} for name in cards}
    for path in sorted((folder / "reports").glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for name, entry in _entries(data, cards):
            for score, value in _numbers(entry):
                scores[name].setdefault(score, value)
    return [ModelFacts(card, scores[name]) for name, card in cards.items()]


def _entries(data: object, names: Mapping[str, ModelCard]) -> Iterator[tuple[str, object]]:
    """What a report says about each model, wherever in it that stands."""
    if isinstance(data, list):
        for item in data:
            yield from _entries(item, names)
    if not isinstance(data, dict):
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
    for key, value in entry.items():
        if key in SCORES and isinstance(value, int | float) and not isinstance(value, bool):
            yield key, float(value)
    for value in entry.values():
        yield from _numbers(value)


def width_charts(before: Path, after: Path) -> dict[str, list[LayerWidth]]:
    """The channels of each layer in two models, by part of the network, in the order of the layers.

    Args:
        before: OpenVINO `.xml` of the one.
        after: Of the other.

    Returns:
        Nothing where one of the files does not tell its widths.
    """
    old, new = _widths(before), _widths(after)
    if not old or not new:
        return {}
    charts = {
        title: [
            LayerWidth(layer, count, flat_new[layer])
            for name in names
            for flat_new in [dict(_flat(name, new.get(name)))]
            for layer, count in _flat(name, old.get(name))
            if layer in flat_new
        ]
        for title, names in _CHARTS.items()
    }
    return {title: layers for title, layers in charts.items() if layers}


def _widths(path: Path) -> dict[str, Any]:
    """The widths that are written into an IR's runtime information."""
    try:
        found = ElementTree.parse(path).find("rt_info/matte/widths")
        widths = json.loads("{}" if found is None else found.get("value", "{}"))
    except (OSError, ValueError, ElementTree.ParseError):
        return {}
    return widths if isinstance(widths, dict) else {}


def _flat(name: str, value: object) -> Iterator[tuple[str, int]]:
    """Layers and their channels; the two halves of an IBNorm are one layer."""
    if isinstance(value, int):
        yield name, value
    elif isinstance(value, list) and len(value) == 2 and all(isinstance(n, int) for n in value):
        yield name, sum(value)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _flat(f"{name} {place}", item)
