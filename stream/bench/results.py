"""All that the benchmark found out, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from stream.bench.clip import ClipRow, ClipRun
from stream.bench.latency import LatencyRow
from stream.bench.layers import LayerTable
from stream.bench.machine import Machine
from stream.report import write_json

NOTE = (
    "Other programs may use the machine at the same time, which changes wall times and frames per "
    "second most. Compare the speed-ups, which are taken within each round, and processor times."
)
"""How far the numbers can be trusted; goes with every result."""

_VERSION = 2


@dataclass(frozen=True)
class Results:
    """What was measured. A part that was not asked for is empty.

    Attributes:
        command: What was typed.
        machine: Where.
        latency: How long one inference takes, for each size and network.
        clips: How whole runs went, for each clip, network size and network.
        endurance: One long run of each network.
        layers: Where one network's time goes.
        skipped: Who was left out and why.
        note: How far the numbers can be trusted.
    """

    command: str
    machine: Machine
    latency: list[LatencyRow]
    clips: list[ClipRow]
    endurance: list[ClipRun]
    layers: LayerTable | None
    skipped: list[str]
    note: str = NOTE

    def to_json(self) -> str:
        """All attributes and the `version` of this form, as a JSON object."""
        return json.dumps({"version": _VERSION, **asdict(self)}, indent=2)


def write_results(path: Path, results: Results) -> None:
    """Write results as JSON.

    Raises:
        OutputError: The file cannot be written.
    """
    write_json(path, results.to_json())
