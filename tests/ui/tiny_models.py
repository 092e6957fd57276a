"""Two networks that take no time and differ: their mattes are a picture's green and its blue."""

from __future__ import annotations

import json
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


def write_weights(folder: Path) -> Path:
    """Write a folder with a manifest of an original and a pruned model, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tiny_ir(folder / "green.xml")
    write_blue_ir(folder / "blue.xml")
    models = {
        "original": {"title": "MODNet", "ir": "green.xml", "parameters": 6_490_000},
        "pruned": {"title": "MODNet-P", "ir": "blue.xml", "parameters": 1_340_000},
    }
    for entry, macs in zip(models.values(), (15_470_000_000, 3_660_000_000), strict=True):
        entry |= {"precision": "FP16", "macs": macs}
    manifest = {"version": 1, "models": models, "files": {}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
