from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from stream.frame import Alpha, Frame, MattedFrame
from stream.mattes.refine import firm, refine_edges
from stream.mattes.subject import Subject
from stream.steps import StepOptions, anew, matte_steps, refined

EVERYTHING = StepOptions(subject=Subject.CENTRE, delay_one_frame=True)


def matted(alpha: Alpha, pts: int = 0) -> MattedFrame:
    image = np.zeros((*alpha.shape, 3), np.uint8)
    return MattedFrame(Frame(image, pts, Fraction(1, 25), 0.0), alpha)


def people(*left_edges: int) -> Alpha:
    """A large and a small person at these columns."""
    alpha = np.zeros((90, 160), np.uint8)
    for edge, width in zip(left_edges, (40, 20), strict=True):
        alpha[20:, edge : edge + width] = 255
    return alpha


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (StepOptions(), ["steady", "refine"]),
        (StepOptions(refine=False), ["steady", "enlarge"]),
        (StepOptions(refine=False, steady=False), ["enlarge"]),
        (StepOptions(steady=False, subject=Subject.LARGEST), ["subject", "refine"]),
        (EVERYTHING, ["subject", "delay", "steady", "refine"]),
    ],
)
def test_what_is_wanted_is_done_in_order(options: StepOptions, names: list[str]) -> None:
    assert [name for name, _ in matte_steps(options, still=False)] == names


def test_every_step_keeps_order_and_count() -> None:
    frames = [matted(people(10, 100), pts) for pts in range(6)]
    stream: Iterable[MattedFrame] = iter(frames)
    for _, step in matte_steps(EVERYTHING, still=False):
        stream = step(stream)
    assert [each.frame for each in stream] == [each.frame for each in frames]


@pytest.mark.parametrize(
    "options", [StepOptions(delay_one_frame=True), StepOptions(steady=False, refine=False)]
)
def test_mattes_of_any_size_end_at_that_of_their_pictures(options: StepOptions) -> None:
    frames = [matted(people(10, 100), pts) for pts in range(6)]
    sizes = [(160, 90), (80, 45), (80, 45), (320, 180), (320, 180), (160, 90)]
    stream: Iterable[MattedFrame] = [
        MattedFrame(each.frame, cv2.resize(each.alpha, size_wh, interpolation=cv2.INTER_NEAREST))
        for each, size_wh in zip(frames, sizes, strict=True)
    ]
    for _, step in matte_steps(options, still=False):
        stream = step(stream)
    for before, after in zip(frames, stream, strict=True):
        assert after.alpha.shape == (90, 160)
        assert ((after.alpha > 127) != (before.alpha > 127)).mean() < 0.01


def test_pictures_may_change_their_size_while_their_mattes_do_not() -> None:
    alphas = [people(10, 100), np.zeros((90, 160), np.uint8), *[people(10, 100)] * 3]
    widths = (640, 660, 660, 640, 640)  # a network sees all of them alike
    stream: Iterable[MattedFrame] = [
        MattedFrame(Frame(np.zeros((480, width, 3), np.uint8), pts, Fraction(1, 25), 0.0), alpha)
        for pts, (width, alpha) in enumerate(zip(widths, alphas, strict=True))
    ]
    for _, step in matte_steps(StepOptions(delay_one_frame=True), still=False):
        stream = step(stream)
    assert [each.alpha.shape for each in stream] == [(480, width) for width in widths]


def test_single_pictures_are_not_averaged_with_each_other() -> None:
    assert [name for name, _ in matte_steps(EVERYTHING, still=True)] == ["subject", "refine"]


def test_the_subject_of_every_single_picture_is_found_anew() -> None:
    options = StepOptions(subject=Subject.LARGEST)
    subject = dict(matte_steps(options, still=True))["subject"]
    first, second = subject([matted(people(10, 100)), matted(people(110, 10), pts=1)])
    assert first.alpha[60, 30] == 255
    assert first.alpha[60, 110] == 0
    assert second.alpha[60, 130] == 255
    assert second.alpha[60, 20] == 0


def test_a_step_that_begins_anew_remembers_nothing() -> None:
    def counting(frames: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
        for count, each in enumerate(frames):
            yield matted(np.full_like(each.alpha, count))

    frames = [matted(people(10, 100))] * 3
    assert [int(each.alpha[0, 0]) for each in counting(frames)] == [0, 1, 2]
    assert [int(each.alpha[0, 0]) for each in anew(counting)(frames)] == [0, 0, 0]


def test_every_matte_is_refined_by_its_own_picture() -> None:
    ramp = np.tile(np.linspace(0, 255, 300).astype(np.uint8), (200, 1))
    frames = [matted(ramp), matted(ramp, pts=1)]
    frames[1].frame.image[:, 150:] = 200
    plain, edge = refined(frames)
    assert (plain.alpha == refine_edges(frames[0].frame.image, firm(ramp))).all()
    assert (edge.alpha == refine_edges(frames[1].frame.image, firm(ramp))).all()
    assert (plain.alpha != edge.alpha).any()
