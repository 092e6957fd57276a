"""The parts of the benchmark, one after the other, as the command line asks for them."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from stream.bench_clip import ClipJob, ClipRow, measure_clip
from stream.bench_latency import LatencyRow, measure_latency, picture_of_size
from stream.bench_layers import measure_layers
from stream.bench_peers import Contender, PeerKind, PeerSpec
from stream.bench_results import Results
from stream.bench_rounds import Effort
from stream.frame import Image
from stream.machine import this_machine
from stream.model_files import find_model, model_names
from stream.sample import BACKGROUND, CLIP
from stream.source import open_source

_WARM_UP_ROUNDS = 2


class Suite:
    """Measures what the options ask for.

    Args:
        options: As `stream.bench_options.parse` gives them.
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
        latency, clips, layers = [], [], None
        if options.layers is not None:
            layers = measure_layers(options.layers, self._pictures()[0], self._effort)
        else:
            contenders = self._contenders()
            if options.only != "clip":
                latency = self._latency(contenders)
            if options.only != "latency":
                clips = self._runs(contenders)
        return Results(command, machine, latency, clips, layers, list(self._skipped))

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
            for path in options.onnx
            for kind in (PeerKind.MODNET_ONNXRUNTIME, PeerKind.MODNET_OPENVINO)
        ]
        if options.rvm is not None:
            peers.append(PeerSpec(PeerKind.RVM, options.rvm))
        if options.peers:
            peers.append(PeerSpec(PeerKind.MEDIAPIPE))
            if not options.onnx:
                self._skip("MODNet as exported plainly: give its ONNX file with --onnx")
            if options.rvm is None:
                self._skip("RobustVideoMatting: not shipped; give its ONNX file with --rvm")
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
                with_limit=self._options.limit,
                skip=self._skip,
            )
        return rows

    def _runs(self, contenders: Sequence[Contender]) -> list[ClipRow]:
        options, rows = self._options, list[ClipRow]()
        with tempfile.TemporaryDirectory() as folder:
            output = str(Path(folder) / "out.mp4")
            for clip, size in ((clip, size) for clip in self._clips for size in options.clip_size):
                self._say(f"{Path(clip).name}, --size {size}, {len(contenders)} networks")
                jobs = [
                    ClipJob(
                        contender=contender,
                        clip=clip,
                        background=str(BACKGROUND),
                        output=output,
                        size=size,
                        threads=options.threads,
                        max_frames=options.frames,
                        seconds=options.seconds,
                    )
                    for contender in contenders
                ]
                rows += measure_clip(jobs, passes=options.passes, skip=self._skip)
        return rows
