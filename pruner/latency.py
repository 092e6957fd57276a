"""How long one picture takes on a device, measured."""

from __future__ import annotations

import copy
import statistics
import sys
import time
import warnings
from types import ModuleType

import torch
from torch import Tensor, nn

from models.modnet import MODNet
from pruner.errors import PrunerError


def measure_latency(
    model: MODNet,
    *,
    size_wh: tuple[int, int] = (512, 512),
    device: str = "CPU",
    budget_s: float = 2.0,
) -> float:
    """Median time of one inference with OpenVINO, in milliseconds.

    Args:
        model: The network; how fast it is does not depend on its weights.
        size_wh: Input width and height in pixels, multiples of 32.
        device: An OpenVINO device name.
        budget_s: How long to go on measuring; at least five inferences are made.

    Raises:
        PrunerError: OpenVINO is not installed, or does not offer the device.
    """
    ov = _openvino()
    core = ov.Core()
    if device.partition(".")[0] not in core.available_devices:
        raise PrunerError(f"no device {device}; there are {', '.join(core.available_devices)}")
    image = torch.zeros(1, 3, size_wh[1], size_wh[0])
    hint = {"PERFORMANCE_HINT": "LATENCY"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns that it does not trace the size check
        graph = ov.convert_model(_Matte(model), example_input=image, input=[tuple(image.shape)])
    request = core.compile_model(graph, device, hint).create_infer_request()
    request.infer([image.numpy()])  # the first one also allocates
    times: list[float] = []
    while len(times) < 5 or sum(times) < budget_s:
        start = time.perf_counter()
        request.infer([image.numpy()])
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


class _Matte(nn.Module):
    """The inference graph alone, as an exported file has it."""

    def __init__(self, model: MODNet) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).float().eval()

    def forward(self, image: Tensor) -> Tensor:
        matte: Tensor = self.model(image).matte
        return matte


def _openvino() -> ModuleType:
    # Importing it, and each conversion, would be reported to Intel; without this package it is not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise PrunerError("measuring latency needs OpenVINO: pip install openvino") from error
    module: ModuleType = openvino
    return module
