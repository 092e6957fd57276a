"""Draws the sample backgrounds: each scene is a function from a random generator to light."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from stream.frame import Image
from stream.sample.light import (
    HEIGHT,
    WIDTH,
    Light,
    box,
    clouds,
    colour,
    defocus,
    develop,
    fill,
    glow,
    grid,
    mix,
    ramp,
    smoothstep,
)


def draw(name: str) -> Image:
    """Draws one scene.

    Args:
        name: A key of `SCENES`.

    Returns:
        (720, 1280, 3) uint8 BGR; the same at every call.
    """
    rng = np.random.default_rng(list(name.encode()))
    return develop(SCENES[name](rng), rng)


def evening(rng: Generator) -> Light:
    """Hills behind hills, a little after sunset."""
    x, y = grid()
    light = ramp(
        y,
        {0.0: "#26345f", 0.2: "#545c95", 0.36: "#a97fa6", 0.48: "#eba58a", 0.58: "#ffd6a8"},
    )
    light += glow(x, y, (0.3, 0.56), 0.12)[..., None] * colour("#ff9d52") * 0.8
    streaks = smoothstep(clouds(rng, (2.0, 14.0), 1.9), 0.3, 2.6) * smoothstep(y, 0.5, 0.1)
    light = mix(light, light * 0.7 + colour("#ffb9a0") * 0.4, 0.7 * streaks)
    rock_tones = ramp(
        np.linspace(0, 1, 6, dtype=np.float32),
        {0.0: "#c9929c", 0.35: "#8a6488", 0.7: "#473a63", 1.0: "#161a30"},
    )
    for layer, rock in enumerate(rock_tones):
        near = layer / (len(rock_tones) - 1)
        outline = clouds(rng, (1.6 + 1.2 * near, 1.0), 1.9)[HEIGHT // 2]
        ridge = 0.53 + 0.36 * near**1.2 - (0.03 + 0.016 * near) * outline
        mist = smoothstep(y, 0.5 + 0.3 * near, 0.72 + 0.36 * near)[..., None] * (1 - near)
        slope = rock * (1 - 0.75 * mist) + colour("#f3b7a4") * 0.75 * mist
        light = mix(light, slope, smoothstep(y - ridge, -0.0008, 0.0008))
    return light


def orbit(rng: Generator) -> Light:
    """The Earth from a low orbit: stars above, the lit air at the limb, clouds over the sea."""
    x, y = grid()
    height = np.hypot(x - 0.15, y - 2.74) - 2.3  # above the limb, in picture heights
    stars = np.zeros((HEIGHT, WIDTH), np.float32)
    places = rng.integers(0, (HEIGHT, WIDTH), (800, 2))
    stars[places[:, 0], places[:, 1]] = np.minimum(rng.pareto(1.8, 800) * 0.35, 6)
    light = cv2.GaussianBlur(stars, (0, 0), 0.75)[..., None] * colour("#e8efff")
    light += colour("#04060d")
    # The ground is seen at a slant: what lies near the limb is pressed together.
    slant = np.sqrt(np.clip(-height, 0, None) / 0.62).astype(np.float32)
    swirl = clouds(rng, (4.0, 3.0), 3.0)
    across = (x / (1.1 + 0.9 * slant) + 0.9) * WIDTH * 0.55 + 26 * swirl
    down = slant * HEIGHT * 0.9 + 18 * np.roll(swirl, 300, axis=1)
    sheet = clouds(rng, (6.0, 5.0), 1.6) + 0.8 * clouds(rng, (2.0, 2.0), 3.0)
    warped = cv2.remap(sheet, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    cover = np.asarray(warped, np.float32)
    ground = ramp(slant, {0.0: "#8fc4f2", 0.2: "#3f86cf", 0.5: "#1b559f", 1.0: "#0b2f6b"})
    white = np.full_like(ground, 0.86) * colour("#f2f6ff")
    ground = mix(ground, white, 0.95 * smoothstep(cover, 0.0, 3.2))
    day = smoothstep(-x, -1.5, 0.7)
    light = mix(light, ground * (0.08 + 0.95 * day[..., None]), smoothstep(-height, -0.001, 0.001))
    air = np.where(height > 0, np.exp(-height / 0.018), 0.7 * np.exp(height / 0.05))
    return np.asarray(light + (air * (0.1 + day))[..., None] * colour("#5aa9ff"), np.float32)


def studio(rng: Generator) -> Light:
    """A painted canvas with one lamp behind the sitter."""
    x, y = grid()
    tone = ramp(
        0.5 + 0.14 * clouds(rng, (3.0, 2.5), 2.4) + 0.035 * clouds(rng, (30.0, 14.0), 1.6),
        {0.0: "#66788a", 0.5: "#7f92a3", 1.0: "#9dabb5"},
    )
    lamp = 0.1 + 1.5 * np.exp(-((x + 0.02) ** 2 + 1.5 * (y - 0.42) ** 2) / 0.3)
    warmth = glow(x, y, (-0.02, 0.42), 0.4)[..., None] * colour("#ffcf9e") * 0.12
    return np.asarray(tone * lamp[..., None] + warmth, np.float32)


def city(rng: Generator) -> Light:
    """A town by night, out of focus behind a window."""
    _, y = grid()
    light = ramp(y, {0.0: "#0c1430", 0.4: "#232c55", 0.62: "#5a4560", 1.0: "#2a2030"})
    for row_of_houses in range(3):
        left = -20
        while left < WIDTH:
            width = int(rng.integers(70, 190))
            top = int(HEIGHT * rng.uniform(0.22, 0.5) + 70 * row_of_houses)
            wall = colour("#151a33") * (1.3 - 0.35 * row_of_houses)
            _house(light[top:, max(left, 0) : left + width], wall, rng)
            left += width + int(rng.integers(0, 60))
    light = defocus(light, 21)
    for diameter, count in ((39, 34), (57, 16)):
        street = np.zeros_like(light)
        for column in rng.integers(0, WIDTH, count):
            row = min(int(HEIGHT * rng.normal(0.85, 0.05)), HEIGHT - 1)
            tint = colour(str(rng.choice((*_LAMPS, "#ff6a55"))))
            street[row, column] += tint * rng.uniform(0.1, 0.5) * diameter**2
        light += defocus(street, diameter)
    return light


_LAMPS = ("#ffb469", "#ff9650", "#ffd9a0", "#ffe9c8", "#a9cdff")


def _house(front: Light, wall: Light, rng: Generator) -> None:
    """Paints a house with a few lit windows over `front`, the part of the picture it hides."""
    front[...] = 0.25 * front + 0.75 * wall
    height, width = front.shape[:2]
    for row in range(14, height - 60, 26):
        for column in range(12, width - 8, 22):
            if rng.random() < 0.24:
                front[row, column] += colour(str(rng.choice(_LAMPS))) * rng.pareto(2.5) * 60


def office(rng: Generator) -> Light:
    """A quiet room by a window, out of focus."""
    x, y = grid()
    light = ramp(x, {-0.9: "#e2d6c5", 0.1: "#c2b09a", 0.9: "#8d7862"})
    light *= (1.05 - 0.4 * y)[..., None]
    _window(light, rng)
    _shelves(light, rng)
    # A picture in its frame: sky, sea, sand.
    box(light, (-0.12, 0.13, 0.13, 0.34), colour("#2e2a27"))
    for top, tint in ((0.145, "#ded5c6"), (0.25, "#7f9a98"), (0.285, "#b9795a")):
        box(light, (-0.107, top, 0.117, 0.325), colour(tint))
    # A sideboard, and the plant on it.
    box(light, (-0.2, 0.72, 0.95, 1.0), colour("#6d4c33"))
    box(light, (-0.2, 0.72, 0.95, 0.735), colour("#4a3220"))
    box(light, (-0.21, 0.7, 0.95, 0.72), colour("#a67d58"))
    for edge in (0.19, 0.58):
        box(light, (edge - 0.004, 0.735, edge + 0.004, 1.0), colour("#452f1f"))
    _plant(light, rng)
    # A standing lamp beside the window.
    light += glow(x, y, (0.2, 0.47), 0.15)[..., None] ** 1.4 * colour("#ffbf73") * 0.5
    fill(light, ((0.16, 0.42), (0.24, 0.42), (0.27, 0.54), (0.13, 0.54)), colour("#ffdca6") * 1.7)
    box(light, (0.195, 0.54, 0.205, 0.7), colour("#4a3a2c"))
    light += glow(x, y, (-0.56, 0.35), 0.3)[..., None] * colour("#dfeaff") * 0.1
    return defocus(light, 23)


def _window(light: Light, rng: Generator) -> None:
    """A window with a garden behind it."""
    x, y = grid()
    leaves = 0.35 * clouds(rng, (12.0, 8.0), 2.0) + 6 * (y - 0.47)
    garden = ramp(
        leaves, {-2.6: "#b9d6f2", -1.2: "#eef4f4", -0.6: "#dfead0", 0.3: "#a9c48c", 1.3: "#6f9358"}
    )
    box(light, (-0.87, 0.03, -0.25, 0.69), colour("#f3eee4"))
    pane = (np.abs(x + 0.56) < 0.28) & (np.abs(y - 0.35) < 0.29)
    light[pane] = garden[pane] * 1.1
    for bar in ((-0.572, 0.05, -0.548, 0.65), (-0.85, 0.30, -0.27, 0.318)):
        box(light, bar, colour("#e9e2d6"))
    box(light, (-0.9, 0.68, -0.22, 0.705), colour("#fbf7ef"))


def _shelves(light: Light, rng: Generator) -> None:
    """Two boards of books."""
    covers = (
        "#7a3b32",
        "#2f4a5f",
        "#c9a35d",
        "#e7ddcb",
        "#4d5b46",
        "#8a6a52",
        "#263040",
        "#b5623f",
    )
    for board in (0.24, 0.45):
        left = 0.4
        while left < 0.86:
            right = left + rng.uniform(0.014, 0.032)
            if rng.random() < 0.88:
                cover = colour(str(rng.choice(covers)))
                box(light, (left, board - rng.uniform(0.1, 0.16), right, board), cover)
            left = right + 0.002
        box(light, (0.36, board, 0.95, board + 0.016), colour("#8a6540"))


def _plant(light: Light, rng: Generator) -> None:
    """A pot with long leaves."""
    for angle in np.linspace(-1.15, 1.15, 15) + rng.normal(0, 0.08, 15):
        length = rng.uniform(0.13, 0.22) * np.cos(0.6 * angle)
        tip = (0.55 + length * np.sin(angle), 0.6 - length * np.cos(angle))
        middle = (0.55 + tip[0]) / 2, (0.6 + tip[1]) / 2 - 0.015
        wide = 0.016 * np.cos(angle), 0.016 * np.sin(angle)
        green = colour("#4f7a45") * rng.uniform(0.6, 1.5)
        sides = [(middle[0] + side * wide[0], middle[1] + side * wide[1]) for side in (-1, 1)]
        fill(light, ((0.55, 0.62), sides[0], tip, sides[1]), green)
    fill(light, ((0.5, 0.6), (0.6, 0.6), (0.585, 0.7), (0.515, 0.7)), colour("#d8cfc2"))


SCENES: dict[str, Callable[[Generator], Light]] = {
    "evening": evening,
    "orbit": orbit,
    "studio": studio,
    "city": city,
    "office": office,
}
