"""Training pictures: as they are, before new backgrounds, and backgrounds without people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from pruner.augment import compressed
from pruner.crop import (
    Picture,
    Rng,
    Window,
    around_person,
    thrown,
    warp,
    whole_or_part,
    wider_than_picture,
)
from pruner.data import Pair, balanced_weights, read_cutout, read_image, read_pair
from pruner.errors import PrunerError
from pruner.foregrounds import Foregrounds

ASPECTS = (1.0, 4 / 3, 3 / 4, 16 / 9)
"""Width over height of a batch, drawn at random: square pictures, wide and tall ones, webcams."""


class Batch(NamedTuple):
    """(N, 3, H, W) float32 RGB in [0, 1] and (N, 1, H, W) float32 mattes in [0, 1]."""

    image: Tensor
    alpha: Tensor


class Request(NamedTuple):
    """One picture to make: everything random about it follows from `seed`."""

    item: int
    shape_hw: tuple[int, int]
    seed: int


@dataclass(frozen=True)
class Mix:
    """Shares of the kinds of picture; what is left over is taken as it is.

    Attributes:
        composite: People cut out and put before another background.
        negative: Backgrounds without anybody, alpha 0 everywhere.
        close: Of the pictures as they are, those cropped to head and upper body.
        group: Of the composites, those before a picture with people, who stay in the matte.
        objects: Of all pictures, those with things that are nobody behind the people.
        emphasis: See `balanced_weights`.
    """

    composite: float = 0.3
    negative: float = 0.1
    close: float = 0.4
    group: float = 0.25
    objects: float = 0.3
    emphasis: Mapping[str, float] = field(default_factory=dict)


class TrainingSet(Dataset[tuple[Tensor, Tensor]]):
    """Makes one augmented picture for each `Request`.

    Args:
        items: Pictures with mattes.
        backgrounds: Pictures without people; without any, every picture is taken as it is.
        mix: Shares of the kinds.
        objects: Pictures with transparency, of animals and things.
        foregrounds: Folder of `Foregrounds`, for those who are put before another background.
    """

    def __init__(
        self,
        items: Sequence[Pair],
        backgrounds: Sequence[Path],
        mix: Mix,
        objects: Sequence[Path] = (),
        foregrounds: Path | None = None,
    ) -> None:
        self._items = items
        self._backgrounds = backgrounds
        self._objects = objects
        self._foregrounds = Foregrounds(foregrounds)
        self._mix = mix if backgrounds else replace(mix, composite=0, negative=0)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, request: Request) -> tuple[Tensor, Tensor]:
        """Picture (3, H, W) float32 in [0, 1] and matte (1, H, W) float32 in [0, 1]."""
        rng = np.random.default_rng(request.seed)
        kind = rng.random()
        if kind < self._mix.negative:
            image = self._background(request.shape_hw, rng)
            alpha = np.zeros(request.shape_hw, np.uint8)
        elif kind < self._mix.negative + self._mix.composite:
            image, alpha = self._composite(request, rng)
        else:
            image, alpha = self._natural(request, rng)
        if self._objects and rng.random() < self._mix.objects:
            for _ in range(int(rng.integers(1, 4))):
                image = put_behind(image, alpha, self._object(request.shape_hw, rng))
        image = compressed(image, rng)
        to_tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255
        return to_tensor, torch.from_numpy(alpha)[None].float() / 255

    def _natural(self, request: Request, rng: Rng) -> tuple[Picture, Picture]:
        image, alpha = read_pair(self._items[request.item])
        aspect = request.shape_hw[1] / request.shape_hw[0]
        close = around_person(alpha, aspect, rng) if rng.random() < self._mix.close else None
        window = close or whole_or_part((alpha.shape[1], alpha.shape[0]), aspect, rng)
        return warp(image, window, request.shape_hw), warp(alpha, window, request.shape_hw)

    def _composite(self, request: Request, rng: Rng) -> tuple[Picture, Picture]:
        item = self._items[request.item]
        image, alpha = read_pair(item)
        window = self._cutout_window(alpha, request, rng)
        foreground = warp(
            self._foregrounds.of(item, image, alpha), window, request.shape_hw
        ).astype(np.float32)
        weight = warp(alpha, window, request.shape_hw, outside=0).astype(np.float32) / 255
        gain = rng.uniform(0.75, 1.25)  # the person is lit unlike the room
        behind, others = self._behind(request, rng)
        blended = (
            weight[..., None] * np.clip(foreground * gain, 0, 255)
            + (1 - weight[..., None]) * behind
        )
        everybody = 255 * weight + (1 - weight) * others
        return np.rint(blended).astype(np.uint8), np.rint(everybody).astype(np.uint8)

    def _behind(self, request: Request, rng: Rng) -> tuple[Picture, Picture]:
        """What a cut-out is put before: a picture, and the matte of the people in it."""
        if rng.random() < self._mix.group:
            other = request._replace(item=int(rng.integers(len(self._items))))
            return self._natural(other, rng)
        return self._background(request.shape_hw, rng), np.zeros(request.shape_hw, np.uint8)

    @staticmethod
    def _cutout_window(alpha: Picture, request: Request, rng: Rng) -> Window:
        size_wh, aspect = (
            (alpha.shape[1], alpha.shape[0]),
            request.shape_hw[1] / request.shape_hw[0],
        )
        free_sides = alpha[:, [0, -1]].max() < 25
        if free_sides and rng.random() < 0.5:
            return wider_than_picture(size_wh, aspect, rng)
        return around_person(alpha, aspect, rng) or whole_or_part(size_wh, aspect, rng)

    def _background(self, shape_hw: tuple[int, int], rng: Rng) -> Picture:
        image = read_image(self._backgrounds[int(rng.integers(len(self._backgrounds)))])
        window = whole_or_part((image.shape[1], image.shape[0]), shape_hw[1] / shape_hw[0], rng)
        image = warp(image, window, shape_hw)
        if rng.random() < 0.3:  # out of focus, as behind a portrait
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(1, 5))), np.uint8)
        return image

    def _object(self, shape_hw: tuple[int, int], rng: Rng) -> Picture:
        thing = read_cutout(self._objects[int(rng.integers(len(self._objects)))])
        return warp(thing, thrown(thing.shape[:2], shape_hw, rng), shape_hw, outside=0)


def drawn(loader: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """What a loader draws; a picture that cannot be used is one line, whoever drew it."""
    try:
        yield from loader
    except PrunerError as error:
        # That of a worker brings its traceback along, and ends with what it said.
        _, _, said = str(error).rpartition(f"{PrunerError.__name__}: ")
        raise PrunerError(said.rstrip()) from error


def put_behind(image: Picture, alpha: Picture, thing: Picture) -> Picture:
    """A thing between the people of a picture and what is behind them.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) uint8, the people's matte.
        thing: (H, W, 4) uint8 RGB times opacity, and opacity.
    """
    free = 1 - alpha[..., None].astype(np.float32) / 255
    covered = 1 - free * thing[..., 3:].astype(np.float32) / 255
    return np.rint(image * covered + thing[..., :3] * free).astype(np.uint8)


class Plan(Sampler[list[Request]]):
    """Batches without end, the same for the same seed; can be taken up at any step.

    Args:
        items: Pictures with mattes.
        batch: Pictures a step.
        sizes: Short sides in pixels, multiples of 32, drawn anew for each batch.
        seed: Everything random follows from it and the step.
        start: First step.
        device: Which of the devices it is for: each draws pictures of its own, but all draw the
            same shape, or one would wait for the other.
        emphasis: See `balanced_weights`.
    """

    def __init__(
        self,
        items: Sequence[Pair],
        *,
        batch: int,
        sizes: Sequence[int],
        seed: int,
        start: int = 0,
        device: int = 0,
        emphasis: Mapping[str, float] | None = None,
    ) -> None:
        weights: NDArray[np.float64] = np.asarray(balanced_weights(items, emphasis))
        self._chances = weights / weights.sum()
        self._batch, self._sizes, self._start = batch, tuple(sizes), start
        self._seed, self._device = seed, device

    def seed_of(self, step: int) -> int:
        """A seed for what is drawn at this step outside the pictures."""
        return int(np.random.SeedSequence((self._seed, step, self._device)).generate_state(1)[0])

    def __iter__(self) -> Iterator[list[Request]]:
        step = self._start
        while True:
            rng = np.random.default_rng((self._seed, step))
            shape = shape_of(int(rng.choice(self._sizes)), float(rng.choice(ASPECTS)))
            rng = np.random.default_rng((self._seed, step, 1 + self._device))
            chosen = rng.choice(len(self._chances), self._batch, p=self._chances)
            yield [Request(int(i), shape, int(rng.integers(2**63))) for i in chosen]
            step += 1


def shape_of(short_side: int, aspect: float) -> tuple[int, int]:
    """Height and width, multiples of 32, with this short side and about this width over height."""
    long_side = round(short_side * max(aspect, 1 / aspect) / 32) * 32
    return (short_side, long_side) if aspect >= 1 else (long_side, short_side)
