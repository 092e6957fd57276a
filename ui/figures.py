"""The pictures of the compression tab, as SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ui.widths import LayerWidth

_IMPORTANCE = (1.0, 0.93, 0.84, 0.79, 0.71, 0.66, 0.58, 0.53, 0.42, 0.34, 0.25, 0.17, 0.09, 0.02)
_THRESHOLD = 0.5


def pruning_picture() -> str:
    """What threshold and ratio mean."""
    kept = sum(importance >= _THRESHOLD for importance in _IMPORTANCE)
    panels = (
        (
            "Threshold: the backbone",
            f"The channels of one layer by importance: {kept} are above the threshold and stay, "
            f"{len(_IMPORTANCE) - kept} are below it and go",
            _threshold_panel(),
        ),
        (
            "Ratio: the branches that draw the matte",
            "Four layers of different width: each loses half of its channels",
            _ratio_panel(),
        ),
    )
    figures = "".join(
        f'<figure><figcaption>{title}</figcaption><svg class="picture" viewBox="0 26 340 212" '
        f'role="img" aria-label="{label}">{"".join(parts)}</svg></figure>'
        for title, label, parts in panels
    )
    return f'<div class="figures-grid pair">{figures}</div>'


def _threshold_panel() -> Iterator[str]:
    for place, importance in enumerate(_IMPORTANCE):
        kind = "kept" if importance >= _THRESHOLD else "cut"
        height = 150 * importance
        yield _box(kind, 30 + 21 * place, 190 - height, 15, max(2.0, height))
    line = 190 - 150 * _THRESHOLD
    yield f'<line class="line" x1="22" x2="330" y1="{line}" y2="{line}"/>'
    yield f'<text class="strong" x="330" y="{line - 6}" text-anchor="end">threshold</text>'
    yield '<line class="axis" x1="22" x2="330" y1="190" y2="190"/>'
    yield '<text x="18" y="50" text-anchor="end">1</text>'
    yield '<text x="18" y="194" text-anchor="end">0</text>'
    yield '<text x="176" y="214" text-anchor="middle">channels of one layer, by importance</text>'
    yield '<text x="176" y="232" text-anchor="middle">layers lose as much as they can spare</text>'


def _ratio_panel() -> Iterator[str]:
    for row, channels in enumerate((16, 12, 8, 4)):
        for place in range(channels):
            kind = "kept" if place < channels / 2 else "cut"
            yield _box(kind, 20 * place, 40 + 40 * row, 15, 28)
    yield '<text x="158" y="214" text-anchor="middle">one row for each layer, ratio 0.5</text>'
    yield '<text x="158" y="232" text-anchor="middle">every layer loses the same share</text>'


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"/>'
    )


def width_chart(title: str, layers: Sequence[LayerWidth]) -> str:
    """Columns from zero, one for each layer: faint before, solid after."""
    top = max(layer.before for layer in layers)
    step = 460 / len(layers)
    columns = "".join(
        _column(layer, 54 + step * place, 0.72 * step, 120 / top)
        for place, layer in enumerate(layers)
    )
    before = sum(layer.before for layer in layers)
    after = sum(layer.after for layer in layers)
    totals = f"{before:,} channels before, {after:,} after"
    return (
        f"<figure><figcaption>{escape(title)} <small>{totals}</small></figcaption>"
        '<svg class="picture chart" viewBox="0 22 520 158" role="img" '
        f'aria-label="{escape(title)}: {totals}">{columns}'
        '<line class="axis" x1="50" x2="514" y1="150" y2="150"/>'
        f'<text x="46" y="38" text-anchor="end">{top}</text>'
        '<text x="46" y="154" text-anchor="end">0</text><text x="54" y="172">input</text>'
        '<text x="514" y="172" text-anchor="end">output</text></svg></figure>'
    )


def _column(layer: LayerWidth, x: float, width: float, per_channel: float) -> str:
    boxes = "".join(
        _box(kind, x, 150 - channels * per_channel, width, channels * per_channel)
        for kind, channels in (("cut", layer.before), ("kept", layer.after))
    )
    tip = f"{layer.layer}: {layer.before} to {layer.after} channels"
    return f"<g><title>{escape(tip)}</title>{boxes}</g>"
