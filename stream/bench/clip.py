"""Whole runs of the program on a clip, from file to file, each in a process of its own.

Only a fresh process tells how long a start takes and how much memory a run needs. The runs take
turns, as inferences do in `stream.bench.rounds`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TextIO

from stream.bench.machine import Footprint
from stream.bench.peers import Contender, PeerKind, PeerSpec
from stream.bench.rounds import speedup
from stream.errors import StreamError
from stream.stats import Timing

RUN_CLIP = (sys.executable, "-m", "stream.benchmark", "--run-clip")
"""The command that does one `ClipJob`, given as JSON after it."""


@dataclass(frozen=True)
class ClipJob:
    """One run of the program.

    Attributes:
        contender: Whose network it uses.
        clip: The video file.
        background: See `stream.background.open_background`.
        output: The video file to write; replaced if it exists.
        size: What the network's shorter side should be in pixels.
        threads: For inference; None for all cores.
        max_frames: Ends the run after so many frames; None for the whole clip.
        seconds: Ends the run so many seconds after its first frame.
        repeats: Whether the clip begins again at its end; for that it must have `max_frames`.
        live: Whether the clip keeps its pace, as a camera does, and nothing is written.
        skip: How many frames after each inference have its matte moved to them.
    """

    contender: Contender
    clip: str
    background: str
    output: str
    size: int
    threads: int | None
    max_frames: int | None
    seconds: float
    repeats: bool = False
    live: bool = False
    skip: int = 0

    @property
    def conditions(self) -> str:
        """What is out of the ordinary, as options of the command line."""
        return " --live" * self.live + f" --skip {self.skip}" * bool(self.skip)

    def to_json(self) -> str:
        """The job for another process."""
        return json.dumps(asdict(self), default=lambda kind: kind.name)

    @classmethod
    def from_json(cls, text: str) -> ClipJob:
        """What `to_json` wrote."""
        found = json.loads(text)
        peer = found["contender"]["peer"]
        spec = peer and PeerSpec(PeerKind[peer["kind"]], peer["path"])
        return cls(**{**found, "contender": Contender(found["contender"]["model"], spec)})


@dataclass(frozen=True)
class ClipRun:
    """What one run came to.

    Attributes:
        name: Of the network.
        clip: The clip's file name.
        size: As in `ClipJob`.
        frame_size_wh: Width and height of the clip's frames in pixels.
        input_size_wh: Width and height of the network's input in pixels.
        frames: How many were delivered.
        fps: Frames per second from the first frame to the closed file.
        cpu_ms: Processor time per frame of all threads, from the first frame to the closed file.
        peak_memory_mb: The most memory in use; None where the system does not say.
        latency: From reading a frame to having written it; frames of a file wait for each other.
        stages: How long each stage is busy with one frame.
        start_cpu_s: Processor time from the start of the process to the first frame's delivery.
        footprints: What the process held in the course of the run, if its `max_frames` were known.
        start_s: From the start of the process to the first frame's delivery, by the clock.
        dropped: How many frames of a clip that kept its pace were thrown away.
        conditions: What the run was asked for besides, as options of the command line.
    """

    name: str
    clip: str
    size: int
    frame_size_wh: tuple[int, int]
    input_size_wh: tuple[int, int] | None
    frames: int
    fps: float
    cpu_ms: float
    peak_memory_mb: float | None
    latency: Timing
    stages: dict[str, Timing]
    start_cpu_s: float
    footprints: list[Footprint] = field(default_factory=list)
    start_s: float = 0.0
    dropped: int = 0
    conditions: str = ""

    @classmethod
    def from_json(cls, found: dict[str, Any], *, start_s: float) -> ClipRun:
        """What `asdict` made, as read from JSON."""
        changed = {
            "frame_size_wh": tuple(found["frame_size_wh"]),
            "input_size_wh": found["input_size_wh"] and tuple(found["input_size_wh"]),
            "latency": Timing(**found["latency"]),
            "stages": {name: Timing(**times) for name, times in found["stages"].items()},
            "footprints": [Footprint(**each) for each in found["footprints"]],
            "start_s": start_s,
        }
        return cls(**{**found, **changed})


@dataclass(frozen=True)
class ClipRow:
    """One network on one clip.

    Attributes:
        typical: Of all runs the one with the median processor time.
        runs: How many there were.
        fps_speedup: Frames per second relative to the first row: the median of the turns' ratios.
        cpu_speedup: How many times less processor time than the first row, likewise.
    """

    typical: ClipRun
    runs: int
    fps_speedup: float
    cpu_speedup: float


def measure_clip(
    jobs: Sequence[ClipJob],
    *,
    passes: int,
    skip: Callable[[str], None],
    run: Callable[[ClipJob], ClipRun] | None = None,
) -> list[ClipRow]:
    """Let each network have the clip in turn, again and again.

    A run of one frame comes before that, so that the compiled network is in the cache.

    Args:
        jobs: What each network is to do; the first is what the others are compared with.
        passes: How many turns each has.
        skip: Told in one line why one of the others' networks is left out.
        run: Does a job; None for `run_in_fresh_process`.

    Raises:
        StreamError: One of our own models cannot be run.
    """
    run = run or run_in_fresh_process
    able: list[ClipJob] = []
    for job in jobs:
        try:
            run(replace(job, max_frames=1))
            able.append(job)
        except StreamError as error:
            if job.contender.peer is None:
                raise
            skip(str(error))
    turns = [[run(job) for job in able] for _ in range(passes)]
    runs = list(zip(*turns, strict=True))
    return [_row(runs[0], each) for each in runs]


def _row(first: Sequence[ClipRun], runs: Sequence[ClipRun]) -> ClipRow:
    by_cpu = sorted(runs, key=lambda run: run.cpu_ms)
    fps, first_fps = [run.fps for run in runs], [run.fps for run in first]
    return ClipRow(
        typical=by_cpu[(len(by_cpu) - 1) // 2],
        runs=len(runs),
        fps_speedup=speedup(fps, first_fps),  # the other way round than times
        cpu_speedup=speedup([run.cpu_ms for run in first], [run.cpu_ms for run in runs]),
    )


def run_in_fresh_process(job: ClipJob, *, command: Sequence[str] = RUN_CLIP) -> ClipRun:
    """Do a job in a new process.

    Raises:
        StreamError: It failed, for the reason that the process gave.
    """
    started_s = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
        subprocess.Popen(
            [*command, job.to_json()],
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        start_s, result = 0.0, None
        for line in process.stdout:
            if line.startswith("{"):  # others' software may print as well
                result = json.loads(line)
                start_s = start_s or time.perf_counter() - started_s
        if process.wait() != 0 or not result:
            name, reason = job.contender.name, _reason(complaints)
            raise StreamError(reason if reason.startswith(name) else f"{name}: {reason}")
    return ClipRun.from_json(result, start_s=start_s)


def _reason(complaints: TextIO) -> str:
    complaints.seek(0)
    lines = [line.strip() for line in complaints if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["it ended without a word"])[-1]
