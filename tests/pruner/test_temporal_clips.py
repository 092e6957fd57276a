from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from pruner.data import Pair, pairs, pictures
from pruner.errors import PrunerError
from pruner.moving import MOTIONS
from pruner.temporal_clips import KnownClip, Spoiling, known_clips
from tests.pruner.people import write_people

SIZE_WH = (64, 48)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    return pairs(write_people(tmp_path_factory.mktemp("people"), 3))


@pytest.fixture(scope="module")
def backgrounds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("rooms")
    for name, colour in (("a_red", (30, 30, 220)), ("blue", (220, 30, 30))):
        assert cv2.imwrite(str(folder / f"{name}.png"), np.full((50, 70, 3), colour, np.uint8))
    return pictures(folder)


def plan(people: list[Pair], backgrounds: list[Path], seed: int = 0) -> list[KnownClip]:
    return known_clips(people, backgrounds, count=4, size_wh=SIZE_WH, frame_count=5, seed=seed)


def clip(people: list[Pair], backgrounds: list[Path], motion: str, spoiling: Spoiling) -> KnownClip:
    return KnownClip(
        name=motion,
        person=people[0],
        background=backgrounds[0],
        motion=MOTIONS[motion],
        size_wh=SIZE_WH,
        frame_count=5,
        seed=7,
        spoiling=spoiling,
    )


def test_every_clip_moves_in_its_own_way(people: list[Pair], backgrounds: list[Path]) -> None:
    assert [each.name.partition("-")[0] for each in plan(people, backgrounds)] == list(MOTIONS)


def test_the_same_seed_makes_the_same_clip(people: list[Pair], backgrounds: list[Path]) -> None:
    first, again, other = (plan(people, backgrounds, seed)[1] for seed in (3, 3, 4))
    for a, b in zip(first.frames(), again.frames(), strict=True):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.alpha, b.alpha)
    assert not np.array_equal(next(first.frames()).image, next(other.frames()).image)


def test_frames_are_of_the_size_and_number_asked_for(
    people: list[Pair], backgrounds: list[Path]
) -> None:
    frames = list(plan(people, backgrounds)[0].frames())
    assert len(frames) == 5
    for image, alpha in frames:
        assert (image.shape, image.dtype) == ((48, 64, 3), np.uint8)
        assert (alpha.shape, alpha.dtype) == ((48, 64), np.uint8)
        assert alpha.min() == 0
        assert alpha.max() == 255


def test_the_matte_is_exact(people: list[Pair], backgrounds: list[Path]) -> None:
    clean = Spoiling(noise=0, exposure=0, quality=100)
    for image, alpha in clip(people, backgrounds, "walk", clean).frames():
        blue = image[..., 2].astype(int)
        assert np.abs(blue[alpha == 0] - 30).max() <= 8  # the red room, as far as JPEG keeps it
        assert np.abs(blue[alpha == 255] - 150).mean() < 12  # the person


def test_people_move_smoothly_and_as_much_as_their_motion_says(
    people: list[Pair], backgrounds: list[Path]
) -> None:
    def change(motion: str) -> float:
        alphas = [each.alpha for each in clip(people, backgrounds, motion, Spoiling()).frames()]
        return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in pairwise(alphas)]))

    assert change("still") < 0.2 * change("talk") < 0.2 * change("walk")


def test_a_picture_without_anybody_who_can_be_moved_is_a_clear_error(
    tmp_path: Path, backgrounds: list[Path]
) -> None:
    for folder, grey in (("image", 90), ("alpha", 255)):
        (tmp_path / folder).mkdir()
        picture = np.full((40, 40, 3), grey, np.uint8)
        assert cv2.imwrite(str(tmp_path / folder / "close_up.png"), picture)
    with pytest.raises(PrunerError, match="0 of 1 people touch neither top nor sides"):
        plan(pairs(tmp_path), backgrounds)
