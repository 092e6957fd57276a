"""ONNX, for other runtimes: the network as published, whose operators old ones know."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from models.modnet import STRIDE, MODNet


class _Matte(nn.Module):
    """The inference graph alone."""

    def __init__(self, model: MODNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        matte: Tensor = self.model(image).matte
        return matte


def write_onnx(
    model: MODNet, path: Path, *, opset: int = 17, size_wh: tuple[int, int] | None = None
) -> None:
    """Write a network as ONNX.

    The input `image` is (1, 3, H, W) float32 RGB in [-1, 1], the output `alpha` (1, 1, H, W)
    float32 in [0, 1]; widths and preprocessing are in the file's metadata.

    Args:
        model: The network, float32, in evaluation mode.
        path: Target file.
        opset: Operator set; 11 is what the runtimes for old devices read.
        size_wh: Width and height in pixels if the graph shall take that size only, as old runtimes
            want it; else it takes any multiples of 32.
    """
    import onnx

    width, height = size_wh or (3 * STRIDE, 2 * STRIDE)
    dynamic = {} if size_wh else {name: {2: "height", 3: "width"} for name in ("image", "alpha")}
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The size check is not traced; and the newer exporter cannot write old operator sets.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Matte(model).eval(),
            (torch.zeros(1, 3, height, width),),
            path,
            input_names=["image"],
            output_names=["alpha"],
            dynamic_axes=dynamic,
            opset_version=opset,
            dynamo=False,
        )
    graph = onnx.load(path)
    onnx.helper.set_model_props(
        graph,
        {
            "arch": "MODNet",
            "widths": model.widths.to_json(),
            "preprocessing": "image: float32 NCHW RGB in [-1, 1]; alpha: float32 in [0, 1]",
        },
    )
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)
