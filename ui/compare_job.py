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
from ui.contestant import Contestant, open_contestant
from ui.difference import Differences
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
        stop: Ends the work when set; then nothing is returned.
        max_frames: How many frames are looked at.

    Raises:
        StreamError: The clip, the background, a model or the disk will not do.
    """
    a, b, heat_clip = _files(folder, task.clip, models)
    with contextlib.ExitStack() as opened:
        pair = [
            opened.enter_context(open_contestant(model, task, clip, stop=stop))
            for model, clip in zip(models, (a, b), strict=True)
        ]
        info = pair[0].info
        heat = opened.enter_context(open_sink(str(heat_clip), replace(info, path=None)))
        differences = Differences(heat)
        yield from _warm_up(pair, task.clip, stop)
        yield from _Match(pair, differences, stop=stop, max_frames=max_frames).run()
        if stop.is_set():
            return None
        reports = pair[0].finish(), pair[1].finish()
        heat.close()
    return Outcome((a, b), heat_clip, reports, info, differences.mean, differences.worst_s)


def _files(folder: Path, clip: Path, models: Sequence[str | Path]) -> list[Path]:
    """By these names visitors find their downloads, even where both models are the same."""
    made_by = [f"{place}-{Path(model).stem}" for place, model in enumerate(models, 1)]
    return [folder / f"{clip.stem}-{what}.mp4" for what in (*made_by, "difference")]


def _warm_up(pair: Sequence[Contestant], clip: Path, stop: threading.Event) -> Iterator[Progress]:
    with open_source(str(clip), untrusted=True) as source:
        first = next(iter(source)).image
    for contestant in pair:
        for _ in contestant.warm_up(first):
            yield Progress()
            if stop.is_set():
                return


class _Match:
    """Gives the two models their turns."""

    def __init__(
        self,
        pair: Sequence[Contestant],
        differences: Differences,
        *,
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
                if self._stop.is_set():
                    return
                self._differences.add(frame, other)
                if self._ticker.is_due():
                    yield self._progress(order[1])
            if len(matted) < self._turn_frames or self._pair[0].done >= self._max_frames:
                return
            order.reverse()

    def _turn(
        self, which: int, matted: list[MattedFrame], others: list[Alpha]
    ) -> Iterator[Progress]:
        """One model's turn; its mattes are kept, to be compared when the clocks stand still."""
        contestant = self._pair[which]
        count = min(self._turn_frames, self._max_frames - contestant.done)
        for frame in contestant.turn(count):
            if which == 0:
                matted.append(frame.matted)
            else:
                others.append(frame.matted.alpha)
            if self._ticker.is_due():
                yield self._progress(which, frame.image)

    def _progress(self, which: int, picture: Image | None = None) -> Progress:
        pictures: list[Image | None] = [None, None]
        if picture is not None and self._ticker.picture_is_due(which):
            pictures[which] = picture
        return Progress(
            working=which,
            done=self._pair[which].done,
            total=self._total,
            seconds_left=self._time_left_s(),
            pictures=(pictures[0], pictures[1]),
        )

    def _time_left_s(self) -> float | None:
        times_s = [contestant.time_left_s(self._total) for contestant in self._pair]
        return None if None in times_s else sum(filter(None, times_s))
