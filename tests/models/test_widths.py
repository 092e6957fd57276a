from __future__ import annotations

import json
from dataclasses import replace

import pytest

from models.widths import IBNWidth, MODNetWidths


def test_the_defaults_are_the_published_network() -> None:
    widths = MODNetWidths()
    assert widths.blocks == (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
    inputs = (widths.stem, *widths.blocks)
    assert [h and h / w for h, w in zip(widths.hidden, inputs, strict=False)] == [None, *[6.0] * 16]
    assert widths.se * 4 == widths.last == 1280


def test_an_ibn_width_is_its_two_halves() -> None:
    assert IBNWidth(5, 3).total == 8


def test_json_gives_back_equal_widths() -> None:
    widths = replace(
        MODNetWidths(),
        stem=24,
        hidden=(None, 40, None, *MODNetWidths().hidden[3:]),
        hr4x=(IBNWidth(8, 4), IBNWidth(1, 2), IBNWidth(3, 3)),
        lr8x=IBNWidth(4, 12),
    )
    again = MODNetWidths.from_json(widths.to_json())
    assert again == widths
    assert isinstance(again.hr4x[0], IBNWidth)


def test_json_with_some_names_takes_the_defaults_for_the_rest() -> None:
    assert MODNetWidths.from_json('{"last": 640}') == replace(MODNetWidths(), last=640)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting"),
        ("[1]", "expected an object"),
        ('{"first": 3, "last": 1}', "unknown names first"),
        ('{"blocks": [16, 24]}', "blocks needs 17 entries, got 2"),
        ('{"hr2x": [[8, 8]]}', "hr2x needs 4 entries, got 1"),
    ],
)
def test_json_that_is_no_widths_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MODNetWidths.from_json(text)


def test_an_addition_needs_one_width_on_both_sides() -> None:
    data = json.loads(MODNetWidths().to_json())
    data["blocks"][2] = 16
    with pytest.raises(ValueError, match=r"block 2 adds its input, .* got 24 and 16"):
        MODNetWidths.from_json(json.dumps(data))
