from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
import pytest

from stream.frame import Alpha, Frame, MattedFrame
from stream.mattes.subject import Subject, only_subject

WIDTH, HEIGHT = 320, 180
IMAGE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
Box = tuple[int, int, int]
"""Left, right and top of somebody who stands on the lower edge."""

SITTER: Box = (110, 190, 40)
SMALL: Box = (20, 50, 110)
LARGE: Box = (220, 310, 5)


def people(*boxes: Box) -> Alpha:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left, right, top in boxes:
        alpha[top:, left:right] = 255
    return np.asarray(cv2.blur(alpha, (5, 5)), np.uint8)


def frames(alphas: Iterable[Alpha]) -> Iterator[MattedFrame]:
    for pts, alpha in enumerate(alphas):
        yield MattedFrame(Frame(IMAGE, pts, Fraction(1, 30), 0.0), alpha)


def chosen(alphas: Iterable[Alpha], subject: Subject = Subject.LARGEST) -> list[Alpha]:
    return [each.alpha for each in only_subject(frames(alphas), subject)]


def shown(alpha: Alpha, box: Box) -> float:
    """How much of somebody is shown, 0 to 1."""
    left, right, top = box
    return float(alpha[top + 5 :, left + 5 : right - 5].mean() / 255)


@pytest.mark.parametrize("subject", Subject)
def test_somebody_alone_is_left_as_is(subject: Subject) -> None:
    alphas = [people((100 + t, 180 + t, 40)) for t in range(5)]
    for before, after in zip(alphas, chosen(alphas, subject), strict=True):
        assert after is before


def test_all_are_shown_if_all_are_wanted() -> None:
    both = people(SITTER, LARGE)
    assert chosen([both], Subject.ALL)[0] is both


@pytest.mark.parametrize(
    ("subject", "who", "not_who"),
    [(Subject.LARGEST, LARGE, SITTER), (Subject.CENTRE, SITTER, LARGE)],
)
def test_the_one_who_is_wanted_is_shown_alone(subject: Subject, who: Box, not_who: Box) -> None:
    alpha = chosen([people(SITTER, LARGE)], subject)[0]
    assert shown(alpha, who) > 0.99
    assert shown(alpha, not_who) == 0


def test_soft_edges_of_the_subject_survive() -> None:
    alone, both = people(SITTER), people(SITTER, SMALL)
    alpha = chosen([both])[0]
    assert np.abs(alpha[:, 90:210].astype(int) - alone[:, 90:210]).max() <= 1


def test_a_passer_by_is_left_out_even_if_larger_for_a_moment() -> None:
    walk = [people(SITTER, (x, x + 90, 5)) for x in range(230, 320, 8)]
    for alpha in chosen([people(SITTER)] * 3 + walk + [people(SITTER)] * 3):
        assert shown(alpha, SITTER) > 0.99
        assert alpha[:, 205:].max() == 0


def test_a_passer_by_who_comes_to_touch_the_subject_stays_out() -> None:
    walk = [people(SITTER, (x, x + 60, 30)) for x in range(250, 188, -6)]
    alphas = chosen([people(SITTER)] * 3 + walk)
    assert shown(alphas[-1], SITTER) > 0.9
    assert shown(alphas[-1], (205, 250, 30)) < 0.1


def test_a_hand_that_is_apart_for_a_while_belongs_to_its_owner_again() -> None:
    apart = people(SITTER, (205, 235, 120))
    joined = people(SITTER, (190, 235, 120))
    alphas = chosen([people(SITTER)] * 3 + [apart] * 5 + [joined] * 3)
    assert shown(alphas[-1], (190, 235, 120)) > 0.99


def test_a_part_of_the_subject_that_a_scarf_cuts_off_is_shown() -> None:
    cut = people(SITTER)
    cut[80:85] = 0
    assert np.array_equal(chosen([cut])[0], cut)


def test_somebody_who_is_clearly_better_takes_over_after_half_a_second_and_not_before() -> None:
    alphas = chosen([people(SMALL)] * 3 + [people(SMALL, LARGE)] * 20)
    larger = [shown(alpha, LARGE) > 0.5 for alpha in alphas]
    assert larger.index(True) in range(3 + 14, 3 + 18)
    assert all(larger[larger.index(True) :])


def test_the_choice_does_not_jump_between_two_of_about_the_same_size() -> None:
    alphas = [people((20, 80, 40 + t % 2 * 20), (220, 280, 50)) for t in range(40)]
    for alpha in chosen(alphas):
        assert alpha[:, 200:].max() == 0


def test_nobody_else_is_shown_for_half_a_second_after_the_subject_left() -> None:
    alphas = chosen([people(LARGE)] * 3 + [people(SMALL)] * 25)
    smaller = [shown(alpha, SMALL) > 0.5 for alpha in alphas]
    assert smaller.index(True) in range(3 + 14, 3 + 18)


def test_whoever_enters_an_empty_picture_is_shown_at_once() -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.uint8)
    alphas = chosen([people(SITTER)] + [empty] * 30 + [people(LARGE)] * 2)
    assert shown(alphas[-2], LARGE) > 0.99


def test_the_subject_is_found_again_when_the_size_of_the_frames_changes() -> None:
    first, second = people(SITTER, SMALL), np.ascontiguousarray(people(SITTER, SMALL).T)
    alphas = chosen([first, second])
    assert alphas[1].shape == (WIDTH, HEIGHT)
    assert alphas[1][SITTER[0] + 5 : SITTER[1] - 5, 60:].min() > 250
    assert alphas[1][: SMALL[1] + 5].max() == 0
