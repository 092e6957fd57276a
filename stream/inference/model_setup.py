"""Sets a model up for a source: what is asked for, and what suits where nothing is."""

from __future__ import annotations

from collections.abc import Callable

from stream.errors import UsageError
from stream.inference.adaptive import AdaptivePredictor
from stream.inference.cache import user_cache_dir
from stream.inference.engine import cpu_count
from stream.inference.predictor import VideoPredictor
from stream.inference.reuse import MatteReuse
from stream.matting import MattePredictor
from stream.session_options import SessionOptions
from stream.source import Source, SourceInfo

LIVE_SIZE, FILE_SIZE = 288, 384
"""The network's shorter side in pixels where none is asked for: what two cores do in time for a
camera, and where mattes have the least error; larger ones have finer edges, which are refined
anyway, and take more for people that is none."""


def default_model(device: str) -> str:
    """What is used where none is asked for: on a CPU, 8 bits halve the time, not the quality."""
    return "pruned-int8" if device.upper() == "CPU" else "pruned"


def open_predictor(
    options: SessionOptions,
    source: Source,
    *,
    on_inference: Callable[[float], None] = lambda seconds: None,
) -> MattePredictor:
    """Open the model; every picture goes through it.

    Args:
        options: What is asked for.
        source: What it is for.
        on_inference: See `MattePredictor`.

    Raises:
        StreamError: See `MattePredictor`.
        UsageError: Several frames are to be in flight, and mattes to be reused.
    """
    info, reuses = source.info, _reuses(options, source.info)
    if reuses and (options.requests or 1) > 1:
        raise UsageError(
            "where mattes are reused or sizes adapted, one frame is in inference at a time, "
            f"not {options.requests}"
        )
    # Live, all threads work on the newest frame; from a file, each works on another one.
    in_flight = 1 if info.is_live or reuses else min(4, options.threads or cpu_count()) + 1
    return MattePredictor(
        options.model or default_model(options.device),
        device=options.device,
        size=_first_size(options, info),
        threads=options.threads,
        requests=options.requests or in_flight,
        # Pictures of many sizes would fill the cache with networks of many sizes.
        cache_dir=None if info.is_still else user_cache_dir(),
        enlarge=False,  # `stream.steps` does
        on_inference=on_inference,
    )


def reusing(network: MattePredictor, options: SessionOptions, info: SourceInfo) -> VideoPredictor:
    """The network, asked only as often and at such sizes as the options want.

    Args:
        network: From `open_predictor`; owned by what is returned.
        options: What is asked for.
        info: The source.
    """
    if not _reuses(options, info):
        return network
    every = options.skip + 1
    if options.target_fps is None:
        return MatteReuse(network, every=every, still=options.still)
    return AdaptivePredictor(
        network,
        fps=options.target_fps,
        largest=options.size or FILE_SIZE,
        every=every,
        still=options.still,
    )


def _first_size(options: SessionOptions, info: SourceInfo) -> int:
    """What the network's shorter side should be in pixels, or begin with to hold a frame rate."""
    largest = options.size or FILE_SIZE
    in_time = info.is_live and not info.is_still
    if in_time and (options.size is None or options.target_fps is not None):
        return min(largest, LIVE_SIZE)
    return largest


def _reuses(options: SessionOptions, info: SourceInfo) -> bool:
    """Whether a frame's matte may depend on other frames; single pictures have no others."""
    wanted = options.skip > 0 or options.still or options.target_fps is not None
    return wanted and not info.is_still
