"""Where a network's time goes, layer by layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import openvino as ov

from stream.bench.rounds import Effort, interleave
from stream.frame import Image
from stream.inference.devices import core
from stream.inference.engine import EngineOptions, read_network
from stream.inference.model_files import find_model

_ONE_THREAD = EngineOptions(device="CPU", requests=1, threads=1, cache_dir=None)


@dataclass(frozen=True)
class Layer:
    """One layer as OpenVINO runs it, or all layers of one kind.

    Attributes:
        name: Of the layer, or how many layers there are of the kind.
        kind: What it computes: `Convolution`, `MVN`, `Concat` and so on.
        precision: What it computes with: `f32`, `i8` and so on.
        ms: Median time in milliseconds; of a kind, the sum of these.
        share: Of the whole network's time, 0 to 1.
    """

    name: str
    kind: str
    precision: str
    ms: float
    share: float


@dataclass(frozen=True)
class LayerTable:
    """A network's layers.

    Attributes:
        model: Name of the model.
        size_wh: Width and height of its input in pixels.
        total_ms: Sum of the layers' median times, with one thread, in milliseconds.
        layers: All that took any time, the slowest first.
        kinds: The same by kind and precision, the slowest first.
    """

    model: str
    size_wh: tuple[int, int]
    total_ms: float
    layers: list[Layer]
    kinds: list[Layer]


def measure_layers(model: str, image: Image, effort: Effort) -> LayerTable:
    """Time every layer of one of our models, with one thread.

    OpenVINO's own stop watches are used, which cost some time themselves: look at the shares.

    Args:
        model: See `stream.inference.model_files.find_model`.
        image: (H, W, 3) uint8 BGR, of the network's input size.
        effort: How long to measure.

    Raises:
        ModelError: No such model.
    """
    file = find_model(model)
    network = read_network(file.path)
    network.reshape([1, *image.shape])
    options = {**_ONE_THREAD.properties(), "PERF_COUNT": True}
    request = core().compile_model(network, "CPU", options).create_infer_request()
    request.get_input_tensor().data[0] = image
    profiles: list[list[ov.ProfilingInfo]] = []

    def infer() -> None:
        request.infer()
        profiles.append(request.profiling_info)

    interleave({file.name: infer}, effort)
    counted = profiles[effort.warm_up :]
    return _table(file.name, (image.shape[1], image.shape[0]), counted)


def _table(
    model: str, size_wh: tuple[int, int], profiles: Iterable[Iterable[ov.ProfilingInfo]]
) -> LayerTable:
    times_ms: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for profile in profiles:
        for info in profile:
            key = info.node_name, info.node_type, _precision(info.exec_type)
            times_ms[key].append(1e3 * info.real_time.total_seconds())
    medians_ms = {key: median(times) for key, times in times_ms.items()}
    total_ms = sum(medians_ms.values())
    kinds_ms: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (_, kind, precision), ms in medians_ms.items():
        if ms > 0:
            kinds_ms[kind, precision].append(ms)

    def layer(name: str, kind: str, precision: str, ms: float) -> Layer:
        return Layer(name, kind, precision, ms, share=ms / total_ms if total_ms else 0.0)

    layers = [
        layer(_short(name), kind, precision, ms)
        for (name, kind, precision), ms in medians_ms.items()
        if ms > 0
    ]
    kinds = [
        layer(f"{len(times)} layers", kind, precision, sum(times))
        for (kind, precision), times in kinds_ms.items()
    ]
    return LayerTable(model, size_wh, total_ms, _slowest_first(layers), _slowest_first(kinds))


def _slowest_first(layers: list[Layer]) -> list[Layer]:
    return sorted(layers, key=lambda layer: layer.ms, reverse=True)


def _short(node_name: str) -> str:
    """The module and operation of a name like `__module.net.f_branch.conv/aten::_conv/Conv`."""
    module, _, operation = node_name.removeprefix("__module.").partition("/")
    return f"{module} {operation.rpartition('/')[2]}".strip()


def _precision(exec_type: str) -> str:
    """The last part of a name like `brgconv_avx512_I8`."""
    return exec_type.rpartition("_")[2].lower()
