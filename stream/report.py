"""What a run did, for people and for programs."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import openvino as ov

from stream.errors import OutputError
from stream.inference.predictor import Predictor
from stream.sinks.part_file import PartFile
from stream.source import SourceInfo
from stream.stats import StageClock, Timing


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        source: Name of the source.
        model: Name of the model.
        device: The real devices that ran it.
        input_size_wh: Width and height of the network's input in pixels, for the latest frame that
            it has seen; None if no frame came.
        frame_size_wh: Width and height of the source's frames in pixels.
        frames_in: Frames captured. Those neither delivered nor dropped were under way at the end.
        frames_out: Frames delivered to the sinks.
        frames_dropped: Frames of a live source that made way for newer ones.
        interrupted: Whether a signal, a key or a closed window ended it before the source did.
        wall_s: Seconds from the start until the sinks were closed.
        cpu_s: Seconds of processor time in all threads meanwhile.
        latency: From capture to delivery.
        stages: For how long each stage is busy per frame that leaves it. With several frames in
            inference at once, those of matting are means over a dozen frames.
        versions: Of Python and of what does the work.
        inference: How long the network takes for a frame, from handing it over to its matte. With
            several frames in inference at once these times overlap, so matting needs less per
            frame. Its count is that of the frames that the network has seen; 0 if nobody counted.
    """

    source: str
    model: str
    device: str
    input_size_wh: tuple[int, int] | None
    frame_size_wh: tuple[int, int]
    frames_in: int
    frames_out: int
    frames_dropped: int
    interrupted: bool
    wall_s: float
    cpu_s: float
    latency: Timing
    stages: dict[str, Timing]
    versions: dict[str, str]
    inference: Timing = Timing(0, 0.0, 0.0)  # noqa: RUF009  frozen, so safe to share

    @property
    def fps(self) -> float:
        """Frames delivered per second."""
        return self.frames_out / self.wall_s if self.wall_s > 0 else 0.0

    def to_json(self) -> str:
        """All attributes and `fps`, as a JSON object; a `Timing` is one of its attributes."""
        return json.dumps({**asdict(self), "fps": self.fps}, indent=2)


def make_report(
    info: SourceInfo,
    predictor: Predictor,
    clock: StageClock,
    *,
    interrupted: bool,
    wall_s: float,
    cpu_s: float,
) -> RunReport:
    """Gather what is known at the end of a run; see `RunReport`."""
    stages = clock.summary()
    return RunReport(
        source=info.name,
        model=predictor.model_name,
        device=predictor.device_name,
        input_size_wh=predictor.input_size_wh,
        frame_size_wh=info.size_wh,
        frames_in=stages["capture"].count if "capture" in stages else 0,
        frames_out=clock.delivered,
        frames_dropped=clock.dropped,
        interrupted=interrupted,
        wall_s=wall_s,
        cpu_s=cpu_s,
        latency=clock.latency(),
        stages=stages,
        versions=versions(),
        inference=clock.inference(),
    )


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that do the work."""
    return {
        "python": platform.python_version(),
        "openvino": ov.__version__,
        "opencv": cv2.__version__,
        "av": av.__version__,
        "numpy": np.__version__,
    }


def write_report(file: PartFile, report: RunReport) -> None:
    """Write a report as JSON, and give the file its name.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(file.path, report.to_json())
    file.commit()


def write_json(path: Path, text: str) -> None:
    """Write what is JSON already.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
