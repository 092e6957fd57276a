"""What a model is to do, and all that it needs for it, made ready."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from stream.background import Background, open_background
from stream.frame import CompositedFrame
from stream.inference.cache import user_cache_dir
from stream.inference.model_setup import FILE_SIZE
from stream.matting import MattePredictor
from stream.pipeline import composited_frames
from stream.source import Source, open_source
from stream.stats import StageClock
from stream.steps import StepOptions, matte_steps


@dataclass(frozen=True)
class Task:
    """What a model is to do.

    Attributes:
        clip: The clip, somebody else's file.
        background: See `stream.background.open_background`.
        device: See `stream.inference.devices.check_device`.
        size: The network's shorter side in pixels.
    """

    clip: Path
    background: str
    device: str = "CPU"
    size: int = FILE_SIZE


@dataclass(frozen=True)
class Tools:
    """What a task is done with; all of it is open."""

    source: Source
    predictor: MattePredictor
    background: Background

    def frames(
        self, source: Source, *, clock: StageClock, stop: threading.Event
    ) -> Generator[CompositedFrame, None, None]:
        """The composites of a source's frames, made as `run_stream.py` makes them."""
        return composited_frames(
            source,
            self.predictor,
            self.background,
            steps=matte_steps(StepOptions(), still=False),
            clock=clock,
            stop=stop,
        )


@contextlib.contextmanager
def open_tools(
    model: str | Path,
    task: Task,
    *,
    requests: int,
    on_inference: Callable[[float], None] = lambda seconds: None,
) -> Iterator[Tools]:
    """Open what it takes for a task, until the end of the `with` block.

    Args:
        model: See `open_model`.
        task: What is to be done.
        requests: How many frames are in the network at a time.
        on_inference: Told how many seconds each inference took.

    Raises:
        StreamError: The clip, the background, the model or the device will not do.
    """
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(open_source(str(task.clip), untrusted=True))
        background = open_background(task.background, untrusted=True)
        opened.callback(background.close)
        predictor = open_model(
            model,
            device=task.device,
            size=task.size,
            requests=requests,
            on_inference=on_inference,
        )
        opened.callback(predictor.close)
        yield Tools(source, predictor, background)


def open_model(
    model: str | Path,
    *,
    device: str,
    size: int,
    requests: int = 1,
    on_inference: Callable[[float], None] = lambda seconds: None,
) -> MattePredictor:
    """Open a model of the project by its name, or a visitor's by its path.

    The arguments and errors are those of `MattePredictor`.
    """
    return MattePredictor(
        model,
        device=device,
        size=size,
        requests=requests,
        # A visitor's model is not kept among the compiled ones: it is seen once.
        cache_dir=user_cache_dir() if isinstance(model, str) else None,
        enlarge=False,  # `stream.steps` does
        on_inference=on_inference,
    )
