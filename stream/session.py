"""Opens what a user asks for in words: the source, the background, the model and the sinks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from stream.background import BackgroundSwitch
from stream.composite import composite
from stream.frame import CompositedFrame, MattedFrame
from stream.inference.model_files import model_names
from stream.inference.model_setup import open_predictor as open_predictor
from stream.inference.model_setup import reusing as reusing
from stream.live.hud import HudStats
from stream.live.stand_in import StandIn
from stream.live.views import Comparison
from stream.matting import MattePredictor
from stream.paths import is_there
from stream.report import RunReport, write_report
from stream.sample import BACKGROUND, BACKGROUNDS, CLIP
from stream.session_options import SessionOptions as SessionOptions
from stream.sink import Sink, open_matte_sink, open_sink
from stream.sinks.part_file import PartFile
from stream.source import Source, open_source
from stream.sources.held import held
from stream.sources.paced import paced
from stream.stats import StageClock
from stream.steps import matte_steps

_LOST_S = 1.0
"""A live source without a picture for so many seconds is lost: the background is shown."""


class Session:
    """All that a run needs, open.

    Args:
        options: What is asked for.
        cancelled: Whether the program is being stopped; ends a window's pause and the wait for a
            pipe.

    Attributes:
        source, background, predictor, sinks: What was opened.
        steps: What is to be done to the mattes.
        clock: For the run; the window shows what it measures.

    Raises:
        StreamError: Something cannot be opened; what was open before is closed again.
    """

    def __init__(self, options: SessionOptions, *, cancelled: Callable[[], bool]) -> None:
        self._options = options
        self._cancelled = cancelled
        self._running = threading.Event()  # cleared while a window pauses a file
        self._running.set()
        self.clock = StageClock()
        with contextlib.ExitStack() as resources:
            source = _open_source(options, cancelled)
            self._can_be_lost = source.info.is_live
            source = _in_time(source, options, self._running)
            self.source = resources.enter_context(source)
            self.background = BackgroundSwitch(_background_specs(options), fit=options.fit)
            resources.callback(self.background.close)
            self._network = open_predictor(options, source, on_inference=self.clock.infer)
            resources.callback(self._network.close)
            self.predictor = reusing(self._network, options, source.info)
            self.steps = matte_steps(options.steps, still=source.info.is_still)
            self.sinks = [resources.enter_context(sink) for sink in self._open_sinks()]
            self._report_file = self._open_report()
            if self._report_file is not None:
                resources.callback(self._report_file.discard)  # where it did not get its name
            self._resources = resources.pop_all()

    def save(self, report: RunReport) -> None:
        """Write the report of the run, if one is asked for.

        Raises:
            OutputError: The disk is full.
        """
        if self._report_file is not None:
            write_report(self._report_file, report)

    def close(self) -> None:
        """Close everything, the sinks first."""
        self._resources.close()

    def _open_sinks(self) -> Iterator[Sink]:
        options, info = self._options, self.source.info
        if options.is_watched:
            sink = self._open_window() if options.has_window else self._open_virtual_camera()
            is_missing = lambda: bool(self._missing())  # noqa: E731
            yield StandIn(sink, self.background, info=info, is_missing=is_missing)
        elif options.output is not None:
            transparent = self.background.is_transparent
            yield open_sink(options.output, info, transparent=transparent, **self._for_files())
        if options.matte is not None:
            yield open_matte_sink(options.matte, info, **self._for_files())

    def _open_report(self) -> PartFile | None:
        options = self._options
        if options.report is None:
            return None
        return PartFile(options.report, overwrite=options.overwrite, inputs=self._inputs())

    def _inputs(self) -> list[Path]:
        """The files and folders that are read."""
        options = self._options
        given = [Path(spec) for spec in (options.input or "", *options.backgrounds) if spec]
        return [path for path in given if is_there(path)]

    def _for_files(self) -> dict[str, Any]:
        options = self._options
        return {
            "overwrite": options.overwrite,
            "inputs": self._inputs(),
            "names": getattr(self.source, "names", None),  # of a folder's images
            "encoding": options.encoding,
        }

    def _open_window(self) -> Sink:
        from stream.live.window import WindowSink

        options = self._options
        others = [n for n in model_names() if n in ("original", "pruned") and n != options.model]
        # Only a part of a file would be recorded, which its sound does not fit.
        info = replace(self.source.info, path=None)
        return WindowSink(
            background=self.background,
            stats=self._hud_stats,
            comparison=(
                Comparison(lambda: self._open_other(others[0]), self._finish_other)
                if others
                else None
            ),
            open_recording=lambda path: open_sink(str(path), info, encoding=options.encoding),
            cancelled=self._cancelled,
            running=self._running,
            missing=self._missing,
        )

    def _open_other(self, model: str) -> MattePredictor:
        """Another model, to be compared with the one that runs."""
        options = replace(self._options, model=model, size=self._network.size)
        return open_predictor(options, self.source)

    def _finish_other(self, matted: Iterable[MattedFrame]) -> Iterator[CompositedFrame]:
        """What the stream does with mattes, for those of the other model."""
        options, still = self._options, self.source.info.is_still
        in_step = replace(options.steps, delay_one_frame=False)
        for _, step in matte_steps(in_step, still=still):
            matted = step(matted)
        return composite(matted, self.background, foreground=options.foreground)

    def _open_virtual_camera(self) -> Sink:
        from stream.live.virtual_camera import VirtualCameraSink

        info = self.source.info
        return VirtualCameraSink(
            size_wh=info.size_wh,
            frame_rate=info.frame_rate,
            device=(self._options.output or "").partition(":")[2] or None,
            source=self._options.input or "",
        )

    def _hud_stats(self) -> HudStats:
        return HudStats(
            fps=self.clock.fps,
            stage_ms=self.clock.recent_ms(),
            dropped=self.clock.dropped,
            model=self.predictor.model_name,
            device=self.predictor.device_name,
            size_wh=self.source.info.size_wh,
        )

    def _missing(self) -> str:
        """Why no picture comes; empty while all is well."""
        if not self.clock.delivered:
            return "starting"
        if self._can_be_lost and self.clock.silence_s("capture") > _LOST_S:
            return f"no picture from {self.source.info.name}"
        return ""


def open_paced_source(options: SessionOptions) -> Source:
    """Open the source; one that is watched keeps its pace, and a window's last picture stays."""
    return _in_time(_open_source(options, lambda: False), options, None)


def _open_source(options: SessionOptions, cancelled: Callable[[], bool]) -> Source:
    spec = options.input or str(CLIP)
    return open_source(spec, camera=options.camera, cancelled=cancelled)


def _in_time(source: Source, options: SessionOptions, running: threading.Event | None) -> Source:
    if options.is_watched and not source.info.is_live:
        source = paced(source, running=running)
    return held(source) if options.has_window and source.info.is_still else source


def _background_specs(options: SessionOptions) -> list[str]:
    if options.backgrounds:
        return list(options.backgrounds)
    first = "blur" if options.input else str(BACKGROUND)
    more = ["blur", "#00b140", *map(str, BACKGROUNDS.values())] if options.has_window else []
    return list(dict.fromkeys([first, *more]))
