from __future__ import annotations

import pytest

from stream.compositing.colour import COLOURS, parse_colour
from stream.errors import InputError


@pytest.mark.parametrize(
    ("text", "bgr"),
    [
        ("#00b140", (0x40, 0xB1, 0x00)),
        ("#00B140", (0x40, 0xB1, 0x00)),
        ("#f80", (0x00, 0x88, 0xFF)),
        ("green", (0, 128, 0)),
        ("White", (255, 255, 255)),
    ],
)
def test_a_colour_is_a_name_or_three_or_six_digits(text: str, bgr: tuple[int, int, int]) -> None:
    assert parse_colour(text) == bgr


@pytest.mark.parametrize(
    "text", ["#12", "#12345", "#gggggg", "#1234567", "greenish", "", "#", "#٣٣٣"]
)
def test_what_is_no_colour_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(InputError, match="expected #rgb, #rrggbb or a name") as refused:
        parse_colour(text)
    assert refused.value.hint is not None
    assert all(name in refused.value.hint for name in COLOURS)


def test_every_name_stands_for_a_colour() -> None:
    assert all(len(parse_colour(name)) == 3 for name in COLOURS)
