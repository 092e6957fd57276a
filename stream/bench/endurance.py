"""A clip that does not end, to see whether a long run needs more and more of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from stream.bench.machine import Footprint, footprint
from stream.frame import Frame
from stream.source import Source
from stream.sources.closable import ClosableSource

_MOMENTS = 10


class RepeatedSource(ClosableSource):
    """The frames of a clip, again and again, as those of one long clip without sound.

    Args:
        open_clip: Opens the clip.
    """

    def __init__(self, open_clip: Callable[[], Source]) -> None:
        super().__init__()
        self._open_clip = open_clip
        self._round = open_clip()
        self.info = replace(self._round.info, path=None, frame_count=None, duration_s=None)

    def _read(self) -> Iterator[Frame]:
        last, step = -1, 1
        while True:
            shift: int | None = None
            for frame in self._round:
                if shift is None:
                    shift = last + step - frame.pts
                pts = frame.pts + shift
                yield replace(frame, pts=pts)
                last, step = pts, pts - last
            self._round.close()
            self._round = self._open_clip()

    def _release(self) -> None:
        self._round.close()


class Watch:
    """Looks at the process at the first frame of a run and ten times more.

    Args:
        frames: How many frames the run has.

    Attributes:
        footprints: What was seen.
    """

    def __init__(self, frames: int) -> None:
        self._moments = {1, *(frames * part // _MOMENTS for part in range(1, _MOMENTS + 1))}
        self.footprints: list[Footprint] = []

    def __call__(self, delivered: int) -> None:
        """Be told how many frames have been delivered."""
        if delivered in self._moments:
            self.footprints.append(footprint(delivered))
