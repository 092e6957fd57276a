from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np
import pytest

from stream.errors import UsageError
from stream.frame import Alpha, Frame, Image
from stream.inference.reuse import MatteReuse

WIDTH, HEIGHT = 320, 180


class FakePredictor:
    """Everything bright is a person; remembers how many pictures it was asked about."""

    model_name, device_name, input_size_wh = "tiny", "CPU", (64, 32)

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False

    def predict(self, image: Image) -> Alpha:
        self.asked += 1
        return truth(image)

    def close(self) -> None:
        self.closed = True


def truth(image: Image) -> Alpha:
    return np.where(image[..., 2] > 150, 255, 0).astype(np.uint8)


def picture(x: float = 160, *, seed: int = 0, noise: float = 0) -> Image:
    """A bright disc before a dark wall with texture."""
    rng = np.random.default_rng(seed)
    wall = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), (0, 0), 3) // 3
    cv2.circle(wall, (round(16 * x), 16 * 90), 16 * 40, (120, 150, 220), -1, cv2.LINE_AA, 4)
    spoilt = wall + np.random.default_rng(round(1000 * x)).normal(0, noise, wall.shape)
    return np.clip(spoilt, 0, 255).astype(np.uint8)


def asked_at(reuse: MatteReuse, predictor: FakePredictor, images: Sequence[Image]) -> list[int]:
    """For which of the pictures the network ran."""
    ran = []
    for index, image in enumerate(images):
        before = predictor.asked
        reuse.predict(image)
        if predictor.asked > before:
            ran.append(index)
    return ran


def run(images: Sequence[Image], *, every: int = 1, still: bool = False) -> list[int]:
    predictor = FakePredictor()
    return asked_at(MatteReuse(predictor, every=every, still=still), predictor, images)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_network_runs_on_every_nth_frame_of_a_calm_video(every: int) -> None:
    images = [picture(160 + t / 2) for t in range(7)]
    assert run(images, every=every) == list(range(0, 7, every))


def test_between_two_runs_the_matte_moves_with_the_picture() -> None:
    predictor = FakePredictor()
    reuse = MatteReuse(predictor, every=4)
    images = [picture(160 + 3 * t) for t in range(4)]
    for image in images:
        alpha = reuse.predict(image)
    assert predictor.asked == 1
    moved_error = np.abs(alpha.astype(int) - truth(images[-1])).mean()
    resting_error = np.abs(truth(images[0]).astype(int) - truth(images[-1])).mean()
    assert moved_error < 0.25 * resting_error


def test_another_scene_is_looked_at_at_once() -> None:
    images = [picture()] * 2 + [picture(seed=3)[:, ::-1].copy() // 2 + 90] * 2
    assert 2 in run(images, every=100)


def test_what_appears_suddenly_is_looked_at_at_once() -> None:
    with_hand = picture()
    cv2.circle(with_hand, (40, 60), 20, (120, 150, 220), -1)
    assert run([picture(), picture(), with_hand], every=100) == [0, 2]


def test_frames_of_another_size_are_looked_at_at_once() -> None:
    other = cv2.resize(picture(), (200, 150))
    assert run([picture(), other, other], every=100) == [0, 1]
    assert MatteReuse(FakePredictor(), every=3).predict(other).shape == (150, 200)


def test_a_picture_that_stands_still_keeps_its_matte_but_not_for_ever() -> None:
    assert run([picture(160 + t / 1000, noise=3) for t in range(65)], still=True) == [0, 30, 60]


def test_a_picture_that_stirs_does_not_count_as_still() -> None:
    assert run([picture(160 + t) for t in range(4)], still=True) == [0, 1, 2, 3]


def test_a_slow_drift_does_not_count_as_still_either() -> None:
    assert len(run([picture(160 + t / 10) for t in range(25)], still=True)) > 2


def test_how_many_frames_a_matte_serves_may_change_on_the_way() -> None:
    predictor = FakePredictor()
    reuse = MatteReuse(predictor, every=1)
    images = [picture(160 + t / 2) for t in range(8)]
    assert asked_at(reuse, predictor, images[:2]) == [0, 1]
    reuse.every = 3
    assert asked_at(reuse, predictor, images[2:]) == [2, 5]
    assert reuse.inferences == predictor.asked == 4


def test_frames_come_out_in_order_with_mattes_of_their_size() -> None:
    frames = [Frame(picture(160 + t), t, Fraction(1, 30), 0.0) for t in range(5)]
    matted = list(MatteReuse(FakePredictor(), every=2).mattes(iter(frames)))
    assert [each.frame for each in matted] == frames
    assert all(each.alpha.shape == (HEIGHT, WIDTH) for each in matted)


def test_it_can_stand_in_for_the_predictor_it_owns() -> None:
    predictor = FakePredictor()
    reuse = MatteReuse(predictor, every=2)
    assert (reuse.model_name, reuse.device_name) == ("tiny", "CPU")
    assert reuse.input_size_wh == (64, 32)
    reuse.close()
    assert predictor.closed


def test_less_than_every_frame_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        MatteReuse(FakePredictor(), every=0)
