"""Two networks that take no time and differ: their mattes are a picture's green and its blue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from tests.tiny_ir import write_tiny_ir


def write_blue_ir(path: Path) -> Path:
    """Write an IR like that of `write_tiny_ir`, whose matte is the blue channel."""
    image = ops.parameter([1, -1, -1, 3], np.uint8, name="image")
    blue = ops.gather(image, ops.constant(0), ops.constant(3))
    alpha = ops.unsqueeze(blue, ops.constant(1))
    image.output(0).get_tensor().set_names({"image"})
    alpha.output(0).get_tensor().set_names({"alpha"})
    ov.save_model(ov.Model([alpha], [image], "blue"), path)
    return path


def write_weights(folder: Path, *, names: Sequence[str] = ("original", "pruned")) -> Path:
    """Write a folder with a manifest of some of the shipped models, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tiny_ir(folder / "green.xml")
    write_blue_ir(folder / "blue.xml")
    models = {}
    for name in names:
        is_pruned, is_int8 = name.startswith("pruned"), name.endswith("int8")
        models[name] = {
            "title": "MODNet-P" if is_pruned else "MODNet",
            "ir": "blue.xml" if is_pruned else "green.xml",
            "precision": "INT8" if is_int8 else "FP16",
            "parameters": 1_340_000 if is_pruned else 6_490_000,
            "macs": 3_660_000_000 if is_pruned else 15_470_000_000,
        }
    manifest = {"version": 1, "models": models, "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
