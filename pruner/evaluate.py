"""Score models on pictures with mattes, side by side.

Every model sees the pictures as the runtime would give them to it; its mattes are compared at the
pictures' own size. What the columns mean stands in pruner/metrics.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from models.checkpoint import CheckpointError
from pruner.contact_sheet import Case, write_sheet
from pruner.data import Pair, pairs, read_pair, spread
from pruner.errors import PrunerError, PrunerUsageError
from pruner.published import load_network
from pruner.scores import Scores, mean_scores, score_clip, score_picture, score_table
from stream.devices import available_devices, check_device, core
from stream.errors import StreamError
from stream.frame import Alpha, Image
from stream.matting import MattePredictor, network_size, shrink_into
from stream.source import open_source

CHECKPOINTS = (".safetensors", ".ckpt", ".pth")
SHEET_ROWS = 12


class Predictor(Protocol):
    """Whatever gives the matte of a picture."""

    def predict(self, image: Image) -> Alpha:
        """(H, W, 3) uint8 BGR to (H, W) uint8."""
        ...


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


def score_pictures(
    predictors: Mapping[str, Predictor], items: Sequence[Pair], done: Callable[[], object]
) -> dict[str, dict[str, Scores]]:
    """Scores by model and picture.

    Args:
        predictors: The models by name.
        items: The pictures.
        done: Called after each picture.
    """
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    for item in items:
        image, truth = read_pair(item)
        for name, predictor in predictors.items():
            alpha = predictor.predict(np.ascontiguousarray(image[..., ::-1]))
            scores[name][item.name] = score_picture(alpha, truth)
        done()
    return scores


def score_clips(
    predictors: Mapping[str, Predictor], root: Path, limit: int | None, done: Callable[[], object]
) -> dict[str, dict[str, Scores]]:
    """Scores by model and clip, of the videos and folders of frames in `root`.

    Raises:
        PrunerError: No such folder, or nothing in it.
        StreamError: A clip that cannot be read.
    """
    clips = (
        sorted(path for path in root.iterdir() if path.is_dir() or path.suffix)
        if root.is_dir()
        else []
    )
    if not clips:
        raise PrunerError(f"{root}: expected a folder of videos or of folders of frames")
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    for clip in clips:
        images, truths = _read_clip(clip, limit)
        for name, predictor in predictors.items():
            alphas = [predictor.predict(image) for image in images]
            scores[name][clip.name] = score_clip(alphas, images, truths)
        done()
    return scores


def _read_clip(path: Path, limit: int | None) -> tuple[list[Image], list[Alpha]]:
    """The frames, and their mattes if the clip is a folder that has them."""
    if path.is_dir() and (path / "alpha").is_dir():
        frames = [read_pair(item) for item in pairs(path)[:limit]]
        return [np.ascontiguousarray(image[..., ::-1]) for image, _ in frames], [
            t for _, t in frames
        ]
    with open_source(str(path)) as source:
        return [frame.image for frame in itertools.islice(source, limit)], []


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
    console, result = Console(), {"size": options.size, "device": options.device}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        if options.data is not None:
            items = spread(pairs(options.data), options.limit)
            task = progress.add_task("pictures", total=len(items))
            scores = score_pictures(predictors, items, lambda: progress.advance(task))
            result["pictures"] = _summary(scores, {item.name: item.source for item in items})
        if options.clips is not None:
            task = progress.add_task("clips", total=None)
            by_clip = score_clips(
                predictors, options.clips, options.limit, lambda: progress.advance(task)
            )
            result["clips"] = _summary(by_clip, {})
    for kind in ("pictures", "clips"):
        for group, rows in result.get(kind, {}).get("means", {}).items():
            console.print(score_table(group, rows))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.sheet:
        write_sheet(options.sheet, worst_cases(predictors, items, scores))


def _summary(
    scores: Mapping[str, Mapping[str, Scores]], sources: Mapping[str, str]
) -> dict[str, Any]:
    """Means over everything and over each data set, and every single score."""
    names = list(next(iter(scores.values())))
    groups = {f"all ({len(names)})": names}
    for source in sorted(set(sources.values())):
        members = [name for name in names if sources[name] == source]
        if source and len(members) < len(names):
            groups[f"{source} ({len(members)})"] = members
    means = {
        group: {
            model: mean_scores(rows[name] for name in members) for model, rows in scores.items()
        }
        for group, members in groups.items()
    }
    return {"means": means, "scores": scores}


def worst_cases(
    predictors: Mapping[str, Predictor],
    items: Sequence[Pair],
    scores: Mapping[str, Mapping[str, Scores]],
    count: int = SHEET_ROWS,
) -> list[Case]:
    """The pictures with the largest MSE of any model, worst first."""
    worst = sorted(items, key=lambda item: -max(rows[item.name]["mse"] for rows in scores.values()))
    cases = []
    for item in worst[:count]:
        rgb, truth = read_pair(item)
        image = np.ascontiguousarray(rgb[..., ::-1])
        mattes = {
            f"{Path(model).name} {scores[model][item.name]['mse']:.4f}": predictor.predict(image)
            for model, predictor in predictors.items()
        }
        cases.append(Case(item.name, image, truth, mattes))
    return cases


if __name__ == "__main__":
    sys.exit(main())
