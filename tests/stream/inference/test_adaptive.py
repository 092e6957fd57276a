from __future__ import annotations

from fractions import Fraction

import numpy as np

from stream.frame import Alpha, Frame, Image
from stream.inference.adaptive import AdaptivePredictor

FPS = 25.0
PICTURE = np.zeros((90, 160, 3), np.uint8)


class FakeNetwork:
    """Takes time by the area that it sees, on a clock of its own."""

    model_name, device_name = "tiny", "CPU"

    def __init__(self, size: int, *, at_512_s: float) -> None:
        self.size = size
        self.now_s = 0.0
        self.sizes: list[int] = []
        self.closed = False
        self._at_512_s = at_512_s

    @property
    def input_size_wh(self) -> tuple[int, int]:
        return (2 * self.size, self.size)

    def predict(self, image: Image) -> Alpha:
        self.sizes.append(self.size)
        self.now_s += self._at_512_s * (self.size / 512) ** 2
        return np.zeros(image.shape[:2], np.uint8)

    def close(self) -> None:
        self.closed = True


def adaptive(network: FakeNetwork, *, largest: int = 512, every: int = 1) -> AdaptivePredictor:
    return AdaptivePredictor(
        network, fps=FPS, largest=largest, every=every, now=lambda: network.now_s
    )


def test_the_network_sees_smaller_pictures_until_it_is_fast_enough() -> None:
    network = FakeNetwork(512, at_512_s=0.1)
    predictor = adaptive(network)
    for _ in range(40):
        assert predictor.predict(PICTURE).shape == (90, 160)
    assert list(dict.fromkeys(network.sizes)) == [512, 256]
    assert predictor.input_size_wh == (512, 256)


def test_then_it_runs_on_some_of_the_frames_only() -> None:
    network = FakeNetwork(160, at_512_s=0.6)
    predictor = adaptive(network, largest=160)
    for _ in range(20):
        predictor.predict(PICTURE)
    before = len(network.sizes)
    for _ in range(20):
        predictor.predict(PICTURE)
    assert len(network.sizes) == before + 10


def test_it_begins_with_the_size_that_the_network_has() -> None:
    network = FakeNetwork(256, at_512_s=0.001)
    predictor = adaptive(network)
    for _ in range(100):
        predictor.predict(PICTURE)
    assert list(dict.fromkeys(network.sizes)) == [256, 512]


def test_frames_that_are_to_be_skipped_are() -> None:
    network = FakeNetwork(512, at_512_s=0.001)
    predictor = adaptive(network, every=3)
    frames = [Frame(PICTURE, pts, Fraction(1, 25), 0.0) for pts in range(9)]
    assert [each.frame for each in predictor.mattes(frames)] == frames
    assert len(network.sizes) == 3


def test_it_can_stand_in_for_the_network_it_owns() -> None:
    network = FakeNetwork(512, at_512_s=0.001)
    predictor = adaptive(network)
    assert (predictor.model_name, predictor.device_name) == ("tiny", "CPU")
    predictor.close()
    assert network.closed
