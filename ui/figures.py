"""The pictures of the compression tab, as SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ui.compression import LayerWidth

_IMPORTANCE = (1.0, 0.93, 0.84, 0.79, 0.71, 0.66, 0.58, 0.53, 0.42, 0.34, 0.25, 0.17, 0.09, 0.02)
_THRESHOLD = 0.5


def pruning_picture() -> str:
    """What threshold and ratio mean."""
    return (
        '<svg class="picture" viewBox="0 0 720 236" role="img" '
        'aria-label="Threshold and ratio">'
        f"<g>{''.join(_threshold_panel())}</g>"
        f'<g transform="translate(380 0)">{"".join(_ratio_panel())}</g></svg>'
    )


def _threshold_panel() -> Iterator[str]:
    yield '<text class="title" x="0" y="16">Threshold: the backbone</text>'
    for place, importance in enumerate(_IMPORTANCE):
        kind = "kept" if importance >= _THRESHOLD else "cut"
        height = 150 * importance
        yield _box(kind, 30 + 21 * place, 190 - height, 15, max(2.0, height))
    line = 190 - 150 * _THRESHOLD
    yield f'<line class="line" x1="22" x2="330" y1="{line}" y2="{line}"/>'
    yield f'<text class="strong" x="330" y="{line - 6}" text-anchor="end">threshold</text>'
    yield '<line class="axis" x1="22" x2="330" y1="190" y2="190"/>'
    yield '<text x="22" y="44" text-anchor="end">1</text>'
    yield '<text x="22" y="194" text-anchor="end">0</text>'
    yield '<text x="176" y="214" text-anchor="middle">channels of one layer, by importance</text>'
    yield '<text x="176" y="232" text-anchor="middle">layers lose as much as they can spare</text>'


def _ratio_panel() -> Iterator[str]:
    yield '<text class="title" x="0" y="16">Ratio: the branches that draw the matte</text>'
    for row, channels in enumerate((16, 12, 8, 4)):
        for place in range(channels):
            kind = "kept" if place < channels / 2 else "cut"
            yield _box(kind, 20 * place, 44 + 38 * row, 15, 26)
    yield '<text x="160" y="214" text-anchor="middle">one row for each layer, ratio 0.5</text>'
    yield '<text x="160" y="232" text-anchor="middle">every layer loses the same share</text>'


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2"/>'
    )


def width_chart(title: str, layers: Sequence[LayerWidth]) -> str:
    """Columns from zero, one for each layer: faint before, solid after."""
    top = max(layer.before for layer in layers)
    step = 640 / len(layers)
    columns = []
    for place, layer in enumerate(layers):
        x, width = 48 + step * place, step * 0.72
        heights = [120 * width_ / top for width_ in (layer.before, layer.after)]
        boxes = "".join(
            _box(kind, x, 150 - height, width, height)
            for kind, height in zip(("cut", "kept"), heights, strict=True)
        )
        tip = f"{layer.layer}: {layer.before} to {layer.after} channels"
        columns.append(f"<g><title>{escape(tip)}</title>{boxes}</g>")
    before, after = (sum(each) for each in zip(*_pairs(layers), strict=True))
    return (
        f"<figure><figcaption>{escape(title)} <small>{before:,} channels before, {after:,} after"
        f'</small></figcaption><svg class="picture" viewBox="0 22 700 154" role="img" '
        f'aria-label="{escape(title)}">{"".join(columns)}'
        '<line class="axis" x1="44" x2="692" y1="150" y2="150"/>'
        f'<text x="40" y="36" text-anchor="end">{top}</text>'
        '<text x="40" y="154" text-anchor="end">0</text>'
        '<text x="48" y="170">input</text>'
        '<text x="692" y="170" text-anchor="end">output</text></svg></figure>'
    )


def _pairs(layers: Sequence[LayerWidth]) -> list[tuple[int, int]]:
    return [(layer.before, layer.after) for layer in layers]
