from __future__ import annotations

from ui.figures import pruning_picture, width_chart
from ui.widths import LayerWidth


def test_columns_start_at_zero() -> None:
    svg = width_chart("Branches", [LayerWidth("one", 100, 50), LayerWidth("two", 50, 10)])
    bars = [part.split('"') for part in svg.split("<rect ")[1:]]
    heights = [float(part[9]) for part in bars]
    bottoms = [float(part[5]) + float(part[9]) for part in bars]
    assert heights == [120, 60, 60, 12]
    assert set(bottoms) == {150}


def test_a_chart_says_in_words_what_it_shows() -> None:
    svg = width_chart("Branches", [LayerWidth("one", 1000, 50), LayerWidth("two", 500, 10)])
    assert "one: 1000 to 50 channels" in svg
    assert 'aria-label="Branches: 1,500 channels before, 60 after"' in svg


def test_the_picture_explains_both_words() -> None:
    assert "8 are above the threshold and stay, 6 are below it and go" in pruning_picture()
    assert "each loses half of its channels" in pruning_picture()
