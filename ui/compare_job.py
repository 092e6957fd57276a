"""Runs two models on the same clip, turn by turn, and measures each of them alone.

The models never work at the same time: A has a few frames, then B has the same ones, and the next
time B goes first. So whatever else the machine does meanwhile burdens both alike. While one works
nothing is done for the other; the mattes are compared between the turns.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stream.frame import Alpha, Image, MattedFrame
from stream.report import RunReport
from stream.sink import open_sink
from stream.source import SourceInfo, open_source
from ui.contestant import Contestant
from ui.difference import heat_map, mean_difference
from ui.progress import Progress, Ticker, expected_frames
from ui.task import Task

TURN_FRAMES = 24
"""Frames in a turn: about a second of video, so that starting and ending a turn weighs little."""

_TURN_PIXELS = 32_000_000
"""Pixels in a turn, which are all in memory until they are compared."""


@dataclass(frozen=True)
class Outcome:
    """What a comparison gave.

    Attributes:
        clips: The two composites, H.264 with the clip's sound.
        heat_clip: Where the mattes differ, without sound.
        reports: How the two went.
        info: What is known about the clip.
        mean_difference: Mean absolute difference of the mattes, from 0 (equal) to 1.
        worst_s: The moment in seconds at which the mattes differ most.
    """

    clips: tuple[Path, Path]
    heat_clip: Path
    reports: tuple[RunReport, RunReport]
    info: SourceInfo
    mean_difference: float
    worst_s: float


def run_comparison(
    models: tuple[str | Path, str | Path],
    task: Task,
    folder: Path,
    *,
    stop: threading.Event,
    max_frames: int,
) -> Generator[Progress, None, Outcome | None]:
    """Compare two models; yields at least four times a second, and can be closed at any yield.

    Args:
        models: Names or paths; see `ui.task.open_model`.
        task: What they are to do.
        folder: Where to write the clips.
        stop: Ends the work when set.
        max_frames: How many frames are looked at.

    Returns:
        The outcome; None if it was stopped.

    Raises:
        StreamError: The clip, the background, a model or the disk will not do.
    """
    names = _names(task.clip, models)
    clips, heat_clip = (folder / names[0], folder / names[1]), folder / names[2]
    with contextlib.ExitStack() as resources:
        pair = [
            resources.enter_context(Contestant(model, task, clip))
            for model, clip in zip(models, clips, strict=True)
        ]
        info = pair[0].info
        differences = resources.enter_context(_Differences(heat_clip, info))
        yield from _warm_up(pair, task)
        yield from _Match(pair, differences, stop, max_frames).run()
        if stop.is_set():
            return None
        reports = pair[0].finish(), pair[1].finish()
        differences.close()
    return Outcome(
        clips=clips,
        heat_clip=heat_clip,
        reports=reports,
        info=info,
        mean_difference=differences.mean,
        worst_s=differences.worst_s,
    )


def _names(clip: Path, models: Sequence[str | Path]) -> list[str]:
    """What visitors are to find in their downloads, even where both models are the same."""
    made_by = [f"{place}-{Path(model).stem}" for place, model in enumerate(models, 1)]
    return [f"{clip.stem}-{what}.mp4" for what in (*made_by, "difference")]


def _warm_up(pair: Sequence[Contestant], task: Task) -> Iterator[Progress]:
    with open_source(str(task.clip), untrusted=True) as source:
        first = next(iter(source)).image
    for contestant in pair:
        for _ in contestant.warm_up(first):
            yield Progress()


class _Match:
    """Gives the two models their turns."""

    def __init__(
        self,
        pair: Sequence[Contestant],
        differences: _Differences,
        stop: threading.Event,
        max_frames: int,
    ) -> None:
        self._pair = pair
        self._differences = differences
        self._stop = stop
        self._max_frames = max_frames
        self._total = expected_frames(pair[0].info)
        width, height = pair[0].info.size_wh
        self._turn_frames = max(2, min(TURN_FRAMES, _TURN_PIXELS // (width * height)))
        self._ticker = Ticker()

    def run(self) -> Iterator[Progress]:
        order = [0, 1]
        while not self._stop.is_set():
            matted: list[MattedFrame] = []
            others: list[Alpha] = []
            for which in order:
                yield from self._turn(which, matted, others)
            for frame, other in zip(matted, others, strict=False):
                self._differences.add(frame, other)
            if len(matted) < self._turn_frames or self._pair[0].done >= self._max_frames:
                return
            order.reverse()

    def _turn(
        self, which: int, matted: list[MattedFrame], others: list[Alpha]
    ) -> Iterator[Progress]:
        """One model's turn; its mattes are kept, to be compared when the clocks stand still."""
        contestant = self._pair[which]
        count = min(self._turn_frames, self._max_frames - contestant.done)
        with contextlib.closing(contestant.turn(count, self._stop)) as turn:
            for frame in turn:
                if which == 0:
                    matted.append(frame.matted)
                else:
                    others.append(frame.matted.alpha)
                if self._ticker.is_due():
                    yield self._progress(which, frame.image)

    def _progress(self, which: int, image: Image) -> Progress:
        pictures: list[Image | None] = [None, None]
        if self._ticker.picture_is_due(which):
            pictures[which] = image
        return Progress(
            working=which,
            done=self._pair[which].done,
            total=self._total,
            seconds_left=self._seconds_left(),
            pictures=(pictures[0], pictures[1]),
        )

    def _seconds_left(self) -> float | None:
        times_s = [contestant.seconds_per_frame for contestant in self._pair]
        total = self._total
        if total is None or not all(times_s):
            return None
        return sum(
            max(0, total - contestant.done) * seconds
            for contestant, seconds in zip(self._pair, times_s, strict=True)
        )


class _Differences:
    """Compares the mattes of the two models, frame by frame, and writes the heat map's clip."""

    def __init__(self, path: Path, info: SourceInfo) -> None:
        self._sink = open_sink(str(path), replace(info, path=None))
        self._sum = 0.0
        self._count = 0
        self._worst = 0.0
        self.worst_s = 0.0

    @property
    def mean(self) -> float:
        """Mean over all frames, from 0 to 1."""
        return self._sum / self._count if self._count else 0.0

    def add(self, matted: MattedFrame, other: Alpha) -> None:
        """Compare the two mattes of one frame."""
        difference = mean_difference(matted.alpha, other)
        self._sum += difference
        self._count += 1
        if difference > self._worst:
            self._worst, self.worst_s = difference, matted.frame.time_s
        self._sink.write(heat_map(matted, other))

    def close(self) -> None:
        """Complete the clip."""
        self._sink.close()

    def __enter__(self) -> _Differences:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
