"""What texts on the command line stand for: argparse types that say what they expected.

And the one option that several commands share.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path

_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


def amount(text: str) -> float:
    """A number with a unit or without, like 3.66G or 1.34M: an argparse type.

    Raises:
        argparse.ArgumentTypeError: Not such a number.
    """
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([kmg]?)", text.lower())
    if not match:
        raise argparse.ArgumentTypeError(f"expected a number like 3.6G or 1.34M, got {text!r}")
    return float(match[1]) * _UNITS[match[2]]


def whole(least: int) -> Callable[[str], int]:
    """Whole numbers from `least` on: makes an argparse type."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least} on, got {text!r}"
            )
        return int(text)

    return number


def positive(text: str) -> float:
    """A number above 0: an argparse type.

    Raises:
        argparse.ArgumentTypeError: Not such a number.
    """
    if not 0 < (value := _number(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def not_negative(text: str) -> float:
    """A number from 0 on: an argparse type.

    Raises:
        argparse.ArgumentTypeError: Not such a number.
    """
    if not 0 <= (value := _number(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, got {text!r}")
    return value


def share(text: str) -> float:
    """A number from 0 to 1: an argparse type.

    Raises:
        argparse.ArgumentTypeError: Not such a number.
    """
    if not 0 <= (value := _number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def size_wh(text: str) -> tuple[int, int]:
    """The width and height of a network's input: an argparse type.

    Raises:
        argparse.ArgumentTypeError: Not WIDTHxHEIGHT, or no multiples of 32.
    """
    match = re.fullmatch(r"(\d+)x(\d+)", text.lower())
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if any(side == 0 or side % 32 for side in size):
        raise argparse.ArgumentTypeError(
            f"expected WIDTHxHEIGHT in multiples of 32, like 512x288, got {text!r}"
        )
    return size


def file(*suffixes: str) -> Callable[[str], Path]:
    """Files whose names end in one of `suffixes`: makes an argparse type."""

    def path(text: str) -> Path:
        if not text.lower().endswith(suffixes):
            raise argparse.ArgumentTypeError(
                f"expected a {' or '.join(suffixes)} file, got {text!r}"
            )
        return Path(text)

    return path


def add_size(parser: argparse.ArgumentParser) -> None:
    """At which size networks see pictures."""
    text = "short side seen (default: 512)"
    parser.add_argument("--size", type=whole(1), default=512, metavar="PIXELS", help=text)
