"""What is done to mattes between the network and the composite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from stream.frame import MattedFrame
from stream.mattes.refine import enlarged, firm, refine_edges
from stream.mattes.subject import Subject, only_subject
from stream.mattes.temporal import one_frame_delayed, steadied

Step: TypeAlias = Callable[[Iterable[MattedFrame]], Iterator[MattedFrame]]
"""A stage of the pipeline: mattes in, as many mattes out, in the same order."""

NamedStep: TypeAlias = tuple[str, Step]


@dataclass(frozen=True)
class StepOptions:
    """Which steps are wanted.

    Attributes:
        subject: Whom to show.
        delay_one_frame: Repair single bad mattes, one frame late; see `stream.mattes.temporal`.
        steady: Average mattes over time; see there.
        refine: Let soft edges follow those of the picture; see `stream.mattes.refine`.
    """

    subject: Subject = Subject.ALL
    delay_one_frame: bool = False
    steady: bool = True
    refine: bool = True


def matte_steps(options: StepOptions, *, still: bool) -> list[NamedStep]:
    """The steps in their order, with the names that reports and windows show.

    Mattes stay as small as the network gives them, which is cheap, until the last step brings them
    to the size of their pictures.

    Args:
        options: What is wanted.
        still: The frames are single pictures that have nothing to do with each other.
    """
    subject = partial(only_subject, subject=options.subject)
    steps: list[tuple[bool, NamedStep]] = [
        (options.subject is not Subject.ALL, ("subject", anew(subject) if still else subject)),
        (options.delay_one_frame and not still, ("delay", one_frame_delayed)),
        (options.steady and not still, ("steady", steadied)),
        (True, ("refine", refined) if options.refine else ("enlarge", only_enlarged)),
    ]
    return [step for is_wanted, step in steps if is_wanted]


def refined(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
    """Make every matte firm, and let its soft edges follow those of its picture, at its size."""
    for each in matted:
        yield MattedFrame(each.frame, refine_edges(each.frame.picture, firm(each.alpha)))


def only_enlarged(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
    """Bring every matte to the size of its picture."""
    for each in matted:
        yield MattedFrame(each.frame, enlarged(each.frame.picture, each.alpha))


def anew(step: Step) -> Step:
    """A step that begins anew with every picture, as if it were the first."""

    def one_by_one(matted: Iterable[MattedFrame]) -> Iterator[MattedFrame]:
        for each in matted:
            yield from step([each])

    return one_by_one
