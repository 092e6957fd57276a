"""How long one picture takes on a device, measured."""

from __future__ import annotations

import statistics
import time

import numpy as np
import openvino as ov

from models.modnet import MODNet
from pruner.errors import PrunerError
from pruner.openvino_ir import to_ir


def measure_latency(
    model: MODNet,
    *,
    size_wh: tuple[int, int] = (512, 512),
    device: str = "CPU",
    budget_s: float = 2.0,
) -> float:
    """Median time of one inference with OpenVINO, of the graph that is exported, in milliseconds.

    Args:
        model: The network; how fast it is does not depend on its weights.
        size_wh: Input width and height in pixels, multiples of 32.
        device: An OpenVINO device name.
        budget_s: How long to go on measuring; at least five inferences are made.

    Raises:
        PrunerError: OpenVINO does not offer the device.
    """
    core = ov.Core()
    if device.partition(".")[0] not in core.available_devices:
        raise PrunerError(f"no device {device}; there are {', '.join(core.available_devices)}")
    image = np.zeros((1, size_wh[1], size_wh[0], 3), np.uint8)
    graph = to_ir(model)
    graph.reshape(image.shape)
    compiled = core.compile_model(graph, device, {"PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    request.infer([image])  # the first one also allocates
    times: list[float] = []
    while len(times) < 5 or sum(times) < budget_s:
        start = time.perf_counter()
        request.infer([image])
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
