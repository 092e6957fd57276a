"""Opens what a user asks for in words: the source, the background, the model and the sinks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stream.background import BackgroundSwitch, Fit
from stream.cache import user_cache_dir
from stream.codecs import Encoding
from stream.engine import cpu_count
from stream.held import held
from stream.hud import HudStats
from stream.matting import MattePredictor
from stream.model_files import model_names
from stream.paced import paced
from stream.sample import BACKGROUND, BACKGROUNDS, CLIP
from stream.sink import Sink, open_matte_sink, open_sink
from stream.source import CameraRequest, Source, open_source
from stream.stats import StageClock


@dataclass(frozen=True)
class SessionOptions:
    """What a user asks for; see `run_stream.py --help`.

    Attributes:
        input: See `stream.source.open_source`; None for the sample clip.
        backgrounds: See `stream.background.open_background`; empty for the one that suits.
        fit: How a background fills the picture.
        output: "window", "virtual", "virtual:DEVICE", what `stream.sink.open_sink` takes, or None.
        matte: A file for the mattes, or None.
        model: See `stream.model_files.find_model`.
        device: See `stream.devices.check_device`.
        size: The network's shorter side in pixels.
        threads: For inference; None for all cores.
        requests: Inferences in flight; None for what suits the source.
        camera: What a camera is asked for.
        encoding: Changes to how video files are encoded.
        overwrite: Whether existing files may be replaced.
    """

    input: str | None = None
    backgrounds: tuple[str, ...] = ()
    fit: Fit = Fit.COVER
    output: str | None = None
    matte: str | None = None
    model: str = "pruned"
    device: str = "CPU"
    size: int = 512
    threads: int | None = None
    requests: int | None = None
    camera: CameraRequest = CameraRequest()  # noqa: RUF009  frozen, so safe to share
    encoding: Encoding = Encoding()  # noqa: RUF009
    overwrite: bool = False

    @property
    def has_window(self) -> bool:
        """Whether a window is asked for."""
        return self.output == "window"

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches while it runs, so that a file has to keep its pace."""
        return self.output is not None and self.output.partition(":")[0] in ("window", "virtual")


class Session:
    """All that a run needs, open.

    Args:
        options: What is asked for.
        cancelled: Whether the program is being stopped; ends a window's pause.

    Attributes:
        source, background, predictor, sinks: What was opened.
        clock: For the run; the window shows what it measures.

    Raises:
        StreamError: Something cannot be opened; what was open before is closed again.
    """

    def __init__(self, options: SessionOptions, *, cancelled: Callable[[], bool]) -> None:
        self._options = options
        self._cancelled = cancelled
        self.clock = StageClock()
        with contextlib.ExitStack() as resources:
            self.source = resources.enter_context(open_paced_source(options))
            self.background = BackgroundSwitch(_background_specs(options), fit=options.fit)
            resources.callback(self.background.close)
            self.predictor = open_predictor(options, self.source)
            resources.callback(self.predictor.close)
            self.sinks = [resources.enter_context(sink) for sink in self._open_sinks()]
            self._resources = resources.pop_all()

    def close(self) -> None:
        """Close everything, the sinks first."""
        self._resources.close()

    def _open_sinks(self) -> Iterator[Sink]:
        options, info = self._options, self.source.info
        if options.has_window:
            yield self._open_window()
        elif options.is_watched:
            yield self._open_virtual_camera()
        elif options.output is not None:
            transparent = self.background.is_transparent
            yield open_sink(options.output, info, transparent=transparent, **self._for_files())
        if options.matte is not None:
            yield open_matte_sink(options.matte, info, **self._for_files())

    def _for_files(self) -> dict[str, Any]:
        options = self._options
        given = [Path(spec) for spec in (options.input or "", *options.backgrounds) if spec]
        return {
            "overwrite": options.overwrite,
            "inputs": [path for path in given if path.exists()],
            "names": getattr(self.source, "names", None),  # of a folder's images
            "encoding": options.encoding,
        }

    def _open_window(self) -> Sink:
        from stream.window import WindowSink

        options = self._options
        others = [n for n in model_names() if n in ("original", "pruned") and n != options.model]
        # Only a part of a file would be recorded, which its sound does not fit.
        info = replace(self.source.info, path=None)
        return WindowSink(
            background=self.background,
            stats=self._hud_stats,
            compare=(
                (lambda: open_predictor(replace(options, model=others[0]), self.source))
                if others
                else None
            ),
            open_recording=lambda path: open_sink(str(path), info, encoding=options.encoding),
            cancelled=self._cancelled,
        )

    def _open_virtual_camera(self) -> Sink:
        from stream.virtual_camera import VirtualCameraSink

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


def open_paced_source(options: SessionOptions) -> Source:
    """Open the source; one that is watched keeps its pace, and a window's last picture stays."""
    source = open_source(options.input or str(CLIP), camera=options.camera)
    if options.is_watched and not source.info.is_live:
        source = paced(source)
    return held(source) if options.has_window and source.info.is_still else source


def open_predictor(options: SessionOptions, source: Source) -> MattePredictor:
    """Open the model, set up for the source."""
    live = source.info.is_live
    # Live, all threads work on the newest frame; from a file, each works on another one.
    in_flight = 1 if live else min(4, options.threads or cpu_count()) + 1
    return MattePredictor(
        options.model,
        device=options.device,
        size=options.size,
        threads=options.threads,
        requests=options.requests or in_flight,
        # Pictures of many sizes would fill the cache with networks of many sizes.
        cache_dir=None if source.info.is_still else user_cache_dir(),
    )


def _background_specs(options: SessionOptions) -> list[str]:
    if options.backgrounds:
        return list(options.backgrounds)
    first = "blur" if options.input else str(BACKGROUND)
    more = ["blur", "#00b140", *map(str, BACKGROUNDS.values())] if options.has_window else []
    return list(dict.fromkeys([first, *more]))
