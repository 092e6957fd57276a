"""Colours as people write them."""

from __future__ import annotations

import re

from stream.errors import InputError

COLOURS = {
    "black": "#000000",
    "silver": "#c0c0c0",
    "gray": "#808080",
    "grey": "#808080",
    "white": "#ffffff",
    "maroon": "#800000",
    "red": "#ff0000",
    "purple": "#800080",
    "fuchsia": "#ff00ff",
    "magenta": "#ff00ff",
    "green": "#008000",
    "lime": "#00ff00",
    "olive": "#808000",
    "yellow": "#ffff00",
    "orange": "#ffa500",
    "navy": "#000080",
    "blue": "#0000ff",
    "teal": "#008080",
    "aqua": "#00ffff",
    "cyan": "#00ffff",
    "pink": "#ffc0cb",
}
"""The basic colours of CSS and five more, with what CSS means by them."""


def parse_colour(text: str) -> tuple[int, int, int]:
    """Blue, green and red, 0 to 255, of "#rgb", "#rrggbb" or a name in `COLOURS`.

    Raises:
        InputError: It is none of these.
    """
    digits = COLOURS.get(text.lower(), text)
    if re.fullmatch("#[0-9a-fA-F]{3}", digits):
        digits = "#" + "".join(2 * digit for digit in digits[1:])
    if not re.fullmatch("#[0-9a-fA-F]{6}", digits):
        raise InputError(
            f"{text!r} is no colour: expected #rgb, #rrggbb or a name",
            hint=f"the names are {', '.join(COLOURS)}",
        )
    red, green, blue = bytes.fromhex(digits[1:])
    return blue, green, red
