"""Which of the people in a picture is shown, and that it stays the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.compositing.arithmetic import Plane, blurred, resized, small_size, times
from stream.frame import Alpha, MattedFrame, picture_size

Region: TypeAlias = NDArray[np.bool_]
"""(h, w): a part of the small matte."""

_SHORT_SIDE = 108
_BRIDGE = 7
"""Pixels of the small matte: parts of a person that are nearer to each other are one."""

_SOFTNESS = 5
"""Pixels of the small matte, odd, over which the border to somebody else is blurred."""

_SMALLEST = 0.002
"""Share of the picture below which something is no person."""

_RIVAL = 0.3
"""Share of the subject's size from which somebody else is remembered: less may be its own hand."""

_BETTER = 1.5
"""How much better somebody else must be to become the subject ..."""

_PATIENCE_S = 0.5
"""... and for how many seconds; as long, nobody is shown after the subject has left."""

_CENTRE = 0.25
"""Share of the picture's width from its middle at which somebody counts for a third."""


class Subject(StrEnum):
    """Whom to show."""

    ALL = "all"
    """Everybody."""

    LARGEST = "largest"
    """Who covers most of the picture."""

    CENTRE = "centre"
    """Who covers much of the picture near the middle of its width."""


def only_subject(matted: Iterable[MattedFrame], subject: Subject) -> Iterator[MattedFrame]:
    """Take everybody but the subject out of the mattes; alone, it is left as it is.

    The choice does not jump: the subject stays the same person until it has been gone, or somebody
    else has been clearly better, for half a second. Who comes to touch it stays out.
    """
    choice = _Choice(subject)
    for frame in matted:
        mask = None if subject is Subject.ALL else choice.mask(frame.alpha, frame.frame.time_s)
        yield frame if mask is None else MattedFrame(frame.frame, _masked(frame.alpha, mask))


def _masked(alpha: Alpha, mask: Plane) -> Alpha:
    return times(alpha, resized(mask, (alpha.shape[1], alpha.shape[0])))


@dataclass(frozen=True, eq=False)
class _Person:
    """Somebody in a small matte."""

    region: Region
    area: int
    score: float


class _Choice:
    """Follows the subject from frame to frame."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._mine: Region | None = None  # where the subject was seen last
        self._rivals: Region | None = None  # where others were, beside it
        self._certain_s = 0.0  # when the choice was last not in doubt

    def mask(self, alpha: Alpha, time_s: float) -> Plane | None:
        """What to multiply the matte by, small; None where nobody is to be taken out.

        Args:
            alpha: (H, W) uint8.
            time_s: When, in seconds.
        """
        seen = _small(alpha) > 127
        if self._mine is not None and self._mine.shape != seen.shape:
            self._mine = self._rivals = None
        mine = self._find(self._people(seen), time_s)
        others = seen if mine is None else seen & ~mine
        if not others.any():
            return None
        mask = np.zeros(seen.shape, np.uint8)
        if mine is not None:
            mask[_nearer(mine, others)] = 255
        return blurred(mask, _SOFTNESS)

    def _find(self, people: list[_Person], time_s: float) -> Region | None:
        """The subject's region, None while it is not there."""
        best = max(people, key=lambda person: person.score, default=None)
        known = best if self._mine is None else _most_of(people, self._mine)
        if known is not None and best is not None and best.score < _BETTER * known.score:
            self._certain_s = time_s
        if time_s > self._certain_s + _PATIENCE_S:
            known, self._mine, self._rivals, self._certain_s = best, None, None, time_s
        if known is None:
            return None
        mine = known.region
        if self._mine is not None and self._rivals is not None and (mine & self._rivals).any():
            mine = mine & _nearer(self._mine, self._rivals)
        self._mine = mine
        self._remember_rivals(people, known)
        return mine

    def _remember_rivals(self, people: list[_Person], known: _Person) -> None:
        rivals = known.region & ~cast(Region, self._mine)  # those who touch it
        for person in people:
            if person is not known and person.area > _RIVAL * known.area:
                rivals |= person.region
        self._rivals = rivals if rivals.any() else None

    def _people(self, seen: Region) -> list[_Person]:
        shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BRIDGE, _BRIDGE))
        bridged = cv2.dilate(seen.view(np.uint8), shape)
        count, labels = cv2.connectedComponents(bridged)
        regions = ((labels == label) & seen for label in range(1, count))
        people = [self._person(region) for region in regions if region.any()]
        return [person for person in people if person.area > _SMALLEST * seen.size]

    def _person(self, region: Region) -> _Person:
        columns = np.count_nonzero(region, axis=0)
        area = int(columns.sum())
        score = float(area)
        if self._subject is Subject.CENTRE:
            places = (np.arange(columns.size) + 0.5) / columns.size - 0.5
            score = float(columns @ np.exp(-((places / _CENTRE) ** 2)))
        return _Person(region, area, score)


def _small(alpha: Alpha) -> Plane:
    return resized(alpha, small_size(picture_size(alpha), _SHORT_SIDE))


def _most_of(people: list[_Person], region: Region) -> _Person | None:
    """Who covers most of a region; None if nobody does."""
    shares = [np.count_nonzero(person.region & region) for person in people]
    return people[int(np.argmax(shares))] if any(shares) else None


def _nearer(mine: Region, others: Region) -> Region:
    """What is nearer to one region than to the other."""
    near, far = (
        cv2.distanceTransform((~region).view(np.uint8), cv2.DIST_L2, 3) for region in (mine, others)
    )
    return np.asarray(near <= far)
