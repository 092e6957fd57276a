"""What a comparison says: a headline, a table, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from stream.report import RunReport
from stream.stats import Timing
from ui.choices import ModelCard
from ui.compare_job import TURN_FRAMES
from ui.contestant import WARM_UP_FRAMES

_STAGES = {
    "capture": "Reading the clip",
    "matting": "Matte: network and scaling",
    "refine": "Refining its edges",
    "steady": "Steadying it over time",
    "composite": "New background",
    "output": "Writing the clip",
}
"""Plain words for the stages of the pipeline."""

HOW = (
    f"Each model works alone: one has {TURN_FRAMES} frames, then the other has the same ones, and "
    "the next time the other goes first. So they never compete, and whatever else the machine does "
    f"burdens both alike. {WARM_UP_FRAMES} frames before the start warm each model up and do not "
    "count. One frame is in the network at a time, and the network's time is that of its inference "
    "alone. Frames per second count everything, from reading the clip to writing the new one; the "
    "stages overlap. run_stream.py --requests 1 --report FILE measures the same, but counts the "
    "start of the network as well."
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

    @property
    def network(self) -> Timing:
        """Times of single inferences; of the whole stage where the device does not tell them."""
        report = self.report
        return report.inference if report.inference.count else report.stages["matting"]

    @property
    def cpu_ms(self) -> float:
        """Processor time for one frame in milliseconds."""
        return 1e3 * self.report.cpu_s / max(1, self.report.frames_out)


_NOISE = 1.06


class Verdict(NamedTuple):
    """What to call a better and a worse value, and which of them is which."""

    better: str
    worse: str
    more_is_better: bool = False


_RATE = Verdict("faster", "slower", more_is_better=True)
_TIME = Verdict("faster", "slower")
_SIZE = Verdict("smaller", "larger")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        label: What is measured.
        unit: Its unit.
        values: Of the two models; None where unknown.
        verdict: How to compare them; None where the model makes no difference.
    """

    label: str
    unit: str
    values: tuple[float | None, float | None]
    verdict: Verdict | None


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
        if is_noise(self.speed_up):
            return f"{b} is as fast as {a}. {differ}"
        if self.speed_up > 1:
            return f"{b} is {self.speed_up:.1f} times as fast as {a}. {differ}"
        return f"{b} is slower than {a}: {self.speed_up:.2f} times its speed. {differ}"

    def rows(self) -> list[Row]:
        """The table; what is unknown of both models is left out."""
        a, b = self.sides

        def row(
            label: str, unit: str, value: Callable[[Side], float | None], verdict: Verdict
        ) -> Row:
            return Row(label, unit, (value(a), value(b)), verdict)

        rows = [
            row("Speed, end to end", "frames per second", lambda side: side.report.fps, _RATE),
            row("Network, median", "ms", lambda side: side.network.median_ms, _TIME),
            row("Network, 95 of 100 frames within", "ms", lambda side: side.network.p95_ms, _TIME),
            *self._stage_rows(),
            row("Processor time per frame", "ms", lambda side: side.cpu_ms, _TIME),
            row("Work per frame", "billion MACs", lambda side: per(1e9, side.macs), _SIZE),
            row("Parameters", "million", lambda side: per(1e6, side.card.parameters), _SIZE),
            row("Model file", "MB", lambda side: per(1e6, side.card.file_bytes), _SIZE),
        ]
        return [row for row in rows if row.values != (None, None)]

    def _stage_rows(self) -> list[Row]:
        """How long each stage is busy with a frame."""
        a, b = (side.report.stages for side in self.sides)
        return [
            Row(
                _STAGES.get(stage, stage.capitalize()),
                "ms, median",
                (a[stage].median_ms, b[stage].median_ms),
                _TIME if stage == "matting" else None,
            )
            for stage in a
            if stage in b
        ]

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
            "table": [
                {"label": row.label, "unit": row.unit, "values": row.values} for row in self.rows()
            ],
        }
        return json.dumps(data, indent=2)


def is_noise(ratio: float) -> bool:
    """Whether two measurements of that ratio are about the same."""
    return 1 / _NOISE <= ratio <= _NOISE


def per(unit: float, value: float | None) -> float | None:
    """A value in a larger unit."""
    return None if value is None else value / unit
