"""What the commands that score models have in common: options, models, progress, errors, files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from pruner import command
from pruner.errors import PrunerError
from pruner.option_types import add_size
from pruner.predictors import open_predictor
from pruner.scores import Predictor
from stream.errors import StreamError


def add_models(parser: argparse.ArgumentParser) -> None:
    """Which models are scored, and how they see pictures."""
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        default=["original", "pruned"],
        metavar="MODEL",
        help="names from models/weights/manifest.json, paths of OpenVINO .xml, .onnx (MODNet or "
        "RobustVideoMatting) or checkpoints (.safetensors, .ckpt, .pth), or mediapipe; "
        "default: original pruned",
    )
    add("--device", default="CPU", help="OpenVINO device (default: CPU)")
    add("--torch-device", default="cpu", help="for checkpoints: cpu, cuda, ... (default: cpu)")
    add_size(parser)
    add("--json", type=Path, metavar="FILE", help="write every score")


def open_models(options: argparse.Namespace) -> dict[str, Predictor]:
    """The models that the options name, each once.

    Raises:
        StreamError, CheckpointError, PrunerError: As `open_predictor`.
    """
    return {
        model: open_predictor(
            model, device=options.device, torch_device=options.torch_device, size=options.size
        )
        for model in dict.fromkeys(options.models)
    }


def progress_bar() -> Progress:
    """Shows on a terminal how far a command is."""
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def exit_code(run: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Run a command that also reads videos; see `pruner.command.exit_code`."""
    try:
        return command.exit_code(run, options)
    except StreamError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Write results, as a whole or not at all; the folder is made.

    Raises:
        PrunerError: They cannot be written.
    """
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise PrunerError(f"{path}: cannot be written ({error.strerror})") from error
