from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from stream.frame import Alpha, Frame, Image, MattedFrame
from stream.mattes.temporal import one_frame_delayed, steadied

WIDTH, HEIGHT = 320, 180
Stage = Callable[[Iterable[MattedFrame]], Iterator[MattedFrame]]
both_stages = pytest.mark.parametrize("stage", [one_frame_delayed, steadied])


def room(seed: int = 0, size_wh: tuple[int, int] = (WIDTH, HEIGHT)) -> Image:
    """A wall with texture that can be followed."""
    noise = np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 3) // 2 + 60, np.uint8)


def disc(
    x: float, y: float = 90, radius: int = 30, size_wh: tuple[int, int] = (WIDTH, HEIGHT)
) -> Alpha:
    alpha = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    fine = 16  # of a pixel
    cv2.circle(alpha, (round(fine * x), round(fine * y)), fine * radius, 255, -1, cv2.LINE_AA, 4)
    return alpha


def hand(x: float) -> MattedFrame:
    """A hand at a place before the wall, and its right matte."""
    image, alpha = room(), disc(x)
    image[alpha > 127] = (120, 150, 210)
    return matted(image, alpha)


def matted(image: Image, alpha: Alpha, pts: int = 0) -> MattedFrame:
    return MattedFrame(Frame(image, pts, Fraction(1, 30), 0.0), alpha)


def still(alphas: Iterable[Alpha]) -> list[MattedFrame]:
    """Mattes of a hand that stands still; only the camera's noise changes."""
    rng = np.random.default_rng(1)
    image = hand(100).frame.image.astype(int)
    return [
        matted(np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8), alpha)
        for alpha in alphas
    ]


def error(frame: MattedFrame, truth: Alpha) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(frame.alpha.astype(int) - truth).mean())


@both_stages
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_every_frame_comes_out_once_in_order_with_its_own_picture(stage: Stage, count: int) -> None:
    frames = [matted(room(pts), disc(100 + pts), pts) for pts in range(count)]
    assert [each.frame for each in stage(iter(frames))] == [each.frame for each in frames]


@both_stages
def test_a_still_hand_stays_as_it_is(stage: Stage) -> None:
    for done in stage(still([disc(100)] * 6)):
        assert error(done, disc(100)) < 0.1


@both_stages
def test_the_mattes_that_come_in_are_not_written_into(stage: Stage) -> None:
    alphas = [disc(100), disc(100, radius=5), disc(100), disc(102)]
    kept = [alpha.copy() for alpha in alphas]
    list(stage(still(alphas)))
    assert all(np.array_equal(a, b) for a, b in zip(alphas, kept, strict=True))


@both_stages
def test_frames_may_change_their_size(stage: Stage) -> None:
    sizes = [(320, 180), (320, 180), (90, 160), (90, 160), (90, 160), (31, 17), (1, 1)]
    sizes += [(1, 1), (2000, 1), (2000, 1), (3, 900), (3, 900)]
    frames = [matted(room(size_wh=size), disc(40, 40, 9, size)) for size in sizes]
    done = list(stage(frames))
    for before, after in zip(frames, done, strict=True):
        assert np.array_equal(before.alpha, after.alpha)


def test_one_bad_matte_between_good_ones_is_repaired() -> None:
    hole = disc(100)
    hole[80:100, 90:110] = 0
    done = list(one_frame_delayed(still([disc(100), disc(100), hole, disc(100)])))
    assert error(done[2], disc(100)) == 0


def test_a_change_that_lasts_is_no_bad_matte() -> None:
    alphas = [disc(100)] * 2 + [disc(100, radius=20)] * 2
    done = list(one_frame_delayed(still(alphas)))
    assert all(np.array_equal(each.alpha, alpha) for each, alpha in zip(done, alphas, strict=True))


def test_neighbours_that_disagree_repair_nothing() -> None:
    alphas = [disc(100), disc(100) // 8, disc(100) // 2]
    done = list(one_frame_delayed(still(alphas)))
    assert error(done[1], alphas[1]) < 0.05


def test_the_first_and_the_last_matte_have_one_neighbour_and_stay() -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    done = list(one_frame_delayed(still([empty, disc(100), disc(100), empty])))
    assert not done[0].alpha.any()
    assert not done[-1].alpha.any()


def test_the_delay_is_one_frame() -> None:
    taken = 0

    def frames() -> Iterator[MattedFrame]:
        nonlocal taken
        for each in still([disc(100)] * 5):
            taken += 1
            yield each

    for number, _ in enumerate(one_frame_delayed(frames()), start=1):
        assert taken == min(number + 1, 5)


def test_a_hand_that_passes_in_a_single_frame_is_no_bad_matte() -> None:
    nobody = matted(room(), np.zeros((HEIGHT, WIDTH), np.uint8))
    done = list(one_frame_delayed([nobody, hand(100), nobody]))
    assert error(done[1], disc(100)) < 0.01


def test_flicker_is_smoothed_where_the_picture_stands_still() -> None:
    alphas = [disc(100) // (1 + t % 2) for t in range(12)]
    done = list(steadied(still(alphas)))
    flicker_before = error(matted(room(), alphas[-1]), alphas[-2])
    flicker_after = error(done[-1], done[-2].alpha)
    assert flicker_after < flicker_before / 3


def test_a_waving_hand_leaves_no_ghost() -> None:
    places = [
        100 + 60 * np.sin(t) for t in range(14)
    ]  # up to 57 pixels a frame, a fifth of the width
    frames = [hand(x) for x in places]
    for before, done in zip(frames, steadied(frames), strict=True):
        outside = cv2.dilate(before.alpha, np.ones((9, 9))) == 0
        inside = cv2.erode(before.alpha, np.ones((9, 9))) == 255
        assert done.alpha[outside].max() <= 12
        assert done.alpha[inside].min() >= 243


def test_a_hand_that_moves_slowly_is_followed() -> None:
    frames = [hand(100 + t / 2) for t in range(12)]
    flickering = [matted(f.frame.image, f.alpha // (1 + t % 2)) for t, f in enumerate(frames)]
    done = list(steadied(flickering))
    change = [error(b, a.alpha) for a, b in itertools.pairwise(done)]
    change_before = [error(b, a.alpha) for a, b in itertools.pairwise(flickering)]
    assert np.mean(change) < 0.6 * np.mean(change_before)


def test_good_mattes_of_a_hand_that_moves_do_not_lag_behind() -> None:
    frames = [hand(100 + t) for t in range(10)]
    done = list(steadied(frames))
    lag = error(frames[-2], frames[-1].alpha)  # of a single frame
    assert error(done[-1], frames[-1].alpha) < 0.3 * lag


def test_what_is_left_of_an_old_matte_fades_to_nothing() -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    done = list(steadied(still([disc(100)] * 2 + [empty] * 25)))
    assert not done[-1].alpha.any()


def test_another_scene_begins_anew_even_where_it_looks_the_same() -> None:
    image, nobody = hand(100).frame.image.copy(), np.zeros((HEIGHT, WIDTH), np.uint8)
    image[:, 160:] = np.minimum(image[:, 160:].astype(int) + 90, 255)
    done = list(steadied([*still([disc(100)] * 3), matted(image, nobody)]))
    assert not done[-1].alpha.any()
