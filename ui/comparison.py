"""What a comparison says: a headline, a table, and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from stream.report import RunReport
from ui.choices import ModelCard
from ui.compare_job import TURN_FRAMES
from ui.contestant import WARM_UP_FRAMES

_STAGES = {
    "capture": "Reading the clip",
    "composite": "New background",
    "output": "Writing the clip",
}
"""Plain words for the stages of the pipeline, except the network itself."""

HOW = (
    f"Each model works alone: one has {TURN_FRAMES} frames, then the other has the same ones, and "
    "the next time the other goes first. So they never compete, and whatever else the machine does "
    f"burdens both alike. {WARM_UP_FRAMES} frames before the start warm each model up and do not "
    "count. One frame is in the network at a time, and its time includes scaling the picture down "
    "and the matte up. Frames per second count everything, from reading the clip to writing the "
    "new one; the stages overlap. run_stream.py --requests 1 --report measures the same way."
)
"""How the numbers came about; said in the page and in the report."""


@dataclass(frozen=True)
class Side:
    """One of the two models and how it did.

    Attributes:
        label: What people call it.
        report: How its run went.
        card: What is known about it; mostly nothing for a visitor's own model.
    """

    label: str
    report: RunReport
    card: ModelCard

    @property
    def macs(self) -> float | None:
        """Multiply-accumulates for one frame at the size that the network was run at."""
        if self.card.macs is None or self.report.input_size_wh is None:
            return None
        width, height = self.report.input_size_wh
        return self.card.macs * width * height / (512 * 512)

    def stage_ms(self, stage: str) -> float | None:
        """Median time of a stage in milliseconds."""
        timing = self.report.stages.get(stage)
        return None if timing is None else timing.median_ms


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        label: What is measured.
        unit: Its unit.
        values: Of the two models; None where unknown.
        more_is_better: Whether it is.
        is_compared: Whether it depends on the model, so that a difference means something.
    """

    label: str
    unit: str
    values: tuple[float | None, float | None]
    more_is_better: bool = False
    is_compared: bool = True


@dataclass(frozen=True)
class Comparison:
    """Two models on one clip.

    Attributes:
        sides: The two.
        mean_difference: Mean absolute difference of the mattes, from 0 (equal) to 1.
        worst_s: The moment in seconds at which they differ most.
        machine: What the inference device calls itself.
    """

    sides: tuple[Side, Side]
    mean_difference: float
    worst_s: float
    machine: str

    @property
    def speed_up(self) -> float:
        """How many times as many frames per second the second model makes."""
        first, second = (side.report.fps for side in self.sides)
        return second / first if first else 1.0

    def headline(self) -> str:
        """The result in a sentence."""
        a, b = (side.label for side in self.sides)
        differ = f"Their mattes differ by {self.mean_difference:.2%} on average."
        if 0.95 <= self.speed_up <= 1.05:
            return f"{b} is as fast as {a}. {differ}"
        if self.speed_up > 1:
            return f"{b} is {self.speed_up:.1f} times as fast as {a}. {differ}"
        return f"{b} is slower than {a}: {self.speed_up:.2f} times its speed. {differ}"

    def rows(self) -> list[Row]:
        """The table; what is unknown for both models is left out."""
        timings = [side.report.stages.get("matting") for side in self.sides]
        medians = [timing.median_ms if timing else None for timing in timings]
        highs = [timing.p95_ms if timing else None for timing in timings]
        fps = [side.report.fps for side in self.sides]
        rows = [
            Row("Speed, end to end", "frames per second", _pair(fps), more_is_better=True),
            Row("Network, median", "ms", _pair(medians)),
            Row("Network, 95 of 100 frames within", "ms", _pair(highs)),
            *(
                Row(
                    words,
                    "ms",
                    _pair([side.stage_ms(stage) for side in self.sides]),
                    is_compared=False,
                )
                for stage, words in _STAGES.items()
            ),
            Row("Processor time per frame", "ms", _pair([_cpu_ms(side) for side in self.sides])),
            Row(
                "Work per frame",
                "billion MACs",
                _pair([_in(side.macs, 1e9) for side in self.sides]),
            ),
            Row(
                "Parameters",
                "million",
                _pair([_in(side.card.parameters, 1e6) for side in self.sides]),
            ),
            Row("Model file", "MB", _pair([_in(side.card.file_bytes, 1e6) for side in self.sides])),
        ]
        return [row for row in rows if any(value is not None for value in row.values)]

    def to_json(self) -> str:
        """Everything, for programs; the runs are as in `run_stream.py --report`."""
        models = [
            {
                "title": side.label,
                "parameters": side.card.parameters,
                "macs": None if side.macs is None else round(side.macs),
                "file_bytes": side.card.file_bytes,
                "run": json.loads(side.report.to_json()),
            }
            for side in self.sides
        ]
        data = {
            "how": HOW,
            "machine": self.machine,
            "models": models,
            "speed_up": self.speed_up,
            "mean_matte_difference": self.mean_difference,
            "largest_difference_at_s": self.worst_s,
            "table": [asdict(row) for row in self.rows()],
        }
        return json.dumps(data, indent=2)


def _pair(values: list[float | None] | list[float]) -> tuple[float | None, float | None]:
    first, second = values
    return first, second


def _in(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _cpu_ms(side: Side) -> float | None:
    frames = side.report.frames_out
    return 1e3 * side.report.cpu_s / frames if frames else None
