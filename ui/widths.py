"""How many channels the layers of a model have, as far as its file tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

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
class LayerWidth:
    """How many channels a layer had and has."""

    layer: str
    before: int
    after: int


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
