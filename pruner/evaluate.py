"""Score models on pictures with mattes, side by side.

Every model sees the pictures as the runtime would give them to it; its mattes are compared at the
pictures' own size. What the columns mean stands in pruner/metrics.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from models.checkpoint import CheckpointError
from pruner.contact_sheet import write_sheet
from pruner.data import pairs, read_pair, spread
from pruner.errors import PrunerError, PrunerUsageError
from pruner.published import load_network
from pruner.score_table import score_table
from pruner.scores import (
    Clip,
    Predictor,
    Scores,
    score_clips,
    score_pictures,
    summary,
    worst_cases,
)
from stream.devices import available_devices, check_device, core
from stream.errors import StreamError
from stream.frame import Alpha, Image
from stream.matting import MattePredictor, network_size, shrink_into
from stream.source import open_source

CHECKPOINTS = (".safetensors", ".ckpt", ".pth")
VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


class FloatPredictor:
    """A network of floats, fed as the runtime feeds its own.

    Args:
        network: (1, 3, h, w) RGB in [-1, 1] to (1, 1, h, w) in [0, 1].
        size: Short side of what it sees in pixels.
        size_wh: The one width and height it takes, if it takes no other.
    """

    def __init__(
        self,
        network: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        size: int,
        size_wh: tuple[int, int] | None = None,
    ) -> None:
        self._network, self._size, self._size_wh = network, size, size_wh

    def predict(self, image: Image) -> Alpha:
        """(H, W, 3) uint8 BGR to (H, W) uint8."""
        height, width = image.shape[:2]
        seen_wh = self._size_wh or network_size((width, height), self._size)
        seen = np.empty((seen_wh[1], seen_wh[0], 3), np.uint8)
        shrink_into(image, seen)
        rgb = seen[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        blob = rgb / np.float32(127.5) - np.float32(1)
        small = np.rint(self._network(blob)[0, 0] * 255).astype(np.uint8)
        return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def open_predictor(model: str, *, device: str = "CPU", size: int = 512) -> Predictor:
    """A model by its name in the manifest or by its path.

    Args:
        model: A name, an OpenVINO .xml, an .onnx, or a checkpoint, which runs in torch.
        device: OpenVINO device; torch runs on the CPU.
        size: Short side of what the network sees in pixels.

    Raises:
        StreamError: No such model or device.
        CheckpointError: A checkpoint that cannot be used.
        PrunerError: An ONNX that is not a matting network.
    """
    suffix = Path(model).suffix
    if suffix in CHECKPOINTS:
        return FloatPredictor(_torch_network(Path(model)), size)
    if suffix == ".onnx":
        return _onnx_predictor(Path(model), check_device(device, available_devices()), size)
    return MattePredictor(model, device=device, size=size)


def _torch_network(path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    network = load_network(path)

    @torch.inference_mode()
    def run(blob: NDArray[np.float32]) -> NDArray[np.float32]:
        return network(torch.from_numpy(np.ascontiguousarray(blob))).matte.numpy()  # type: ignore[no-any-return]

    return run


def _onnx_predictor(path: Path, device: str, size: int) -> FloatPredictor:
    try:
        graph = core().read_model(path)
    except RuntimeError as error:
        raise PrunerError(
            f"{path}: cannot be read as ONNX ({str(error).splitlines()[-1]})"
        ) from error
    shape = graph.inputs[0].partial_shape
    floats = graph.inputs[0].element_type == ov.Type.f32
    if (
        len(graph.inputs) != 1
        or not floats
        or not shape.compatible(ov.PartialShape([1, 3, -1, -1]))
    ):
        raise PrunerError(f"{path}: expected one input float32 [1,3,H,W], got {graph.inputs}")
    options = {"INFERENCE_PRECISION_HINT": "f32"} if device == "CPU" else {}
    compiled = core().compile_model(graph, device, options)
    height, width = shape[2], shape[3]
    fixed = (width.get_length(), height.get_length()) if shape.is_static else None
    return FloatPredictor(lambda blob: np.asarray(compiled(blob)[0], np.float32), size, fixed)


def find_clips(root: Path) -> list[Path]:
    """The videos and folders of frames in a folder.

    Raises:
        PrunerError: No such folder, or nothing in it.
    """
    entries = sorted(root.iterdir()) if root.is_dir() else []
    found = [path for path in entries if path.is_dir() or path.suffix.lower() in VIDEOS]
    if not found:
        raise PrunerError(f"{root}: expected a folder of videos or of folders of frames")
    return found


def read_clip(path: Path, limit: int | None) -> Clip:
    """A video, or a folder of frames with mattes or without.

    Args:
        path: The file or folder.
        limit: Frames to stop after.

    Raises:
        PrunerError: Frames without their mattes.
        StreamError: It cannot be read.
    """
    if path.is_dir() and (path / "alpha").is_dir():
        frames = [read_pair(item) for item in pairs(path)[:limit]]
        images = [np.ascontiguousarray(image[..., ::-1]) for image, _ in frames]
        return Clip(path.name, images, [truth for _, truth in frames])
    with open_source(str(path)) as source:
        return Clip(path.name, [frame.image for frame in itertools.islice(source, limit)])


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.evaluate`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.evaluate", description=__doc__)
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        default=["original", "pruned"],
        metavar="MODEL",
        help="names from models/weights/manifest.json, or paths of OpenVINO .xml, .onnx or "
        "checkpoints (.safetensors, .ckpt, .pth); default: original pruned",
    )
    add("--data", type=Path, metavar="DIR", help="image/ + alpha/, fg/ + alpha/, or P3M-10k's")
    add("--clips", type=Path, metavar="DIR", help="videos, or folders of frames (image/ + alpha/)")
    add("--device", default="CPU", help="OpenVINO device (default: CPU)")
    add("--size", type=int, default=512, metavar="PIXELS", help="short side seen (default: 512)")
    add("--limit", type=int, metavar="N", help="so many pictures at most, and frames of a clip")
    add("--json", type=Path, metavar="FILE", help="write every score")
    add("--sheet", type=Path, metavar="FILE.png", help="draw the pictures that went worst")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = argument_parser().parse_args(argv)
    try:
        run(options)
    except (PrunerError, CheckpointError, StreamError) as error:
        print(f"error: {error}", file=sys.stderr)
        if isinstance(error, StreamError) and error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        return 130
    return 0


def run(options: argparse.Namespace) -> None:
    """Evaluate as the options say."""
    if options.data is None and options.clips is None:
        raise PrunerUsageError("give --data, pictures with mattes, or --clips, or both")
    if options.sheet and options.data is None:
        raise PrunerUsageError("--sheet shows pictures of --data; give that too")
    predictors = {
        model: open_predictor(model, device=options.device, size=options.size)
        for model in dict.fromkeys(options.models)
    }
    items = spread(pairs(options.data), options.limit) if options.data else []
    clips = find_clips(options.clips) if options.clips else []
    result: dict[str, Any] = {"size": options.size, "device": options.device}
    scores: dict[str, dict[str, Scores]] = {}
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=len(items) + len(clips))
        if items:
            scores = score_pictures(predictors, progress.track(items, task_id=task))
            result["pictures"] = summary(scores, {item.name: item.source for item in items})
        if clips:
            read = (read_clip(path, options.limit) for path in clips)
            result["clips"] = summary(score_clips(predictors, progress.track(read, task_id=task)))
    for kind in ("pictures", "clips"):
        for group, means in result.get(kind, {"means": {}})["means"].items():
            Console().print(score_table(group, means))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.sheet:
        write_sheet(options.sheet, worst_cases(predictors, items, scores))


if __name__ == "__main__":
    sys.exit(main())
