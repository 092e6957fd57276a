"""The parts of the benchmark, one after the other, as the command line asks for them."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from stream.bench import clip as bench_clip
from stream.bench.clip import ClipJob, ClipRow, ClipRun, measure_clip
from stream.bench.latency import LatencyRow, measure_latency, picture_of_size
from stream.bench.layers import measure_layers
from stream.bench.machine import this_machine
from stream.bench.peers import Contender, PeerKind, PeerSpec
from stream.bench.results import Results
from stream.bench.rounds import Effort
from stream.frame import Image
from stream.inference.model_files import find_model, model_names
from stream.sample import BACKGROUND, CLIP
from stream.source import open_source

_WARM_UP_ROUNDS = 2
_MODNET_HINT = (
    "MODNet as exported plainly: write it with `python -m pruner.export --onnx --weights "
    "models/weights/modnet.safetensors --name original --output-dir out/plain` (and the same with "
    "modnet_pruned), then give out/plain/modnet.onnx with --modnet-onnx"
)
_RVM_HINT = (
    "RobustVideoMatting: not shipped, as its licence is another one; give the ONNX file of its "
    "release with --rvm-onnx"
)


class Suite:
    """Measures what the options ask for.

    Args:
        options: As `stream.bench.options.parse` gives them.
        say: Told what is being measured.
    """

    def __init__(self, options: argparse.Namespace, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._skipped: dict[str, None] = {}  # a set that keeps the order
        self._effort = Effort(options.rounds, _WARM_UP_ROUNDS, options.seconds)
        self._clips: list[str] = options.clip or [str(CLIP)]

    def run(self, command: str) -> Results:
        """Measure everything.

        Args:
            command: What was typed, to be quoted.

        Raises:
            StreamError: A model or a clip is not there or of the wrong kind.
        """
        options, machine = self._options, this_machine()
        latency, clips, endurance, layers = [], [], [], None
        if options.layers is not None:
            layers = measure_layers(options.layers, self._pictures()[0], self._effort)
        else:
            contenders = self._contenders()
            if options.endurance is not None:
                endurance = self._endurance(contenders)
            else:
                if options.only != "clip":
                    latency = self._latency(contenders)
                if options.only != "latency":
                    clips = self._runs(contenders)
        return Results(command, machine, latency, clips, endurance, layers, list(self._skipped))

    def _skip(self, reason: str) -> None:
        self._skipped[reason] = None

    def _pictures(self) -> list[Image]:
        """A frame of the first clip in each of the sizes."""
        with open_source(self._clips[0]) as source:
            image = next(iter(source)).image
        return [picture_of_size(image, size_wh) for size_wh in self._options.sizes]

    def _contenders(self) -> list[Contender]:
        options = self._options
        models = options.models or model_names()
        for model in models:
            find_model(model)  # a wrong name ends it now, not after minutes
        peers = [
            PeerSpec(kind, path)
            for path in options.modnet_onnx
            for kind in (PeerKind.MODNET_ONNXRUNTIME, PeerKind.MODNET_OPENVINO)
        ]
        if options.rvm_onnx is not None:
            peers.append(PeerSpec(PeerKind.RVM, options.rvm_onnx))
        if options.peers:
            peers.append(PeerSpec(PeerKind.MEDIAPIPE))
            if not options.modnet_onnx:
                self._skip(_MODNET_HINT)
            if options.rvm_onnx is None:
                self._skip(_RVM_HINT)
        return [*map(Contender, models), *(Contender(peer=peer) for peer in peers)]

    def _latency(self, contenders: Sequence[Contender]) -> list[LatencyRow]:
        rows: list[LatencyRow] = []
        for image in self._pictures():
            height, width = image.shape[:2]
            self._say(f"one inference at {width} x {height}, {len(contenders)} networks")
            rows += measure_latency(
                contenders,
                image,
                self._effort,
                threads=self._options.threads,
                skip=self._skip,
            )
        return rows

    def _runs(self, contenders: Sequence[Contender]) -> list[ClipRow]:
        options, rows = self._options, list[ClipRow]()
        with tempfile.TemporaryDirectory() as folder:
            for clip, size in ((clip, size) for clip in self._clips for size in options.clip_size):
                self._say(f"{Path(clip).name}, --size {size}, {len(contenders)} networks")
                jobs = [self._job(each, clip, size, folder) for each in contenders]
                rows += measure_clip(jobs, passes=options.passes, skip=self._skip)
        return rows

    def _endurance(self, contenders: Sequence[Contender]) -> list[ClipRun]:
        frames, clip, size = self._options.endurance, self._clips[0], self._options.clip_size[0]
        runs: list[ClipRun] = []
        with tempfile.TemporaryDirectory() as folder:
            for contender in contenders:
                self._say(f"{frames} frames of {Path(clip).name}, --size {size}, {contender.name}")
                job = self._job(contender, clip, size, folder)
                endless = replace(job, max_frames=frames, seconds=math.inf, repeats=True)
                runs.append(bench_clip.run_in_fresh_process(endless))
        return runs

    def _job(self, contender: Contender, clip: str, size: int, folder: str) -> ClipJob:
        return ClipJob(
            contender=contender,
            clip=clip,
            background=str(BACKGROUND),
            output=str(Path(folder) / "out.mp4"),
            size=size,
            threads=self._options.threads,
            max_frames=self._options.frames,
            seconds=self._options.seconds,
            live=self._options.live,
            skip=self._options.skip,
        )
