"""The network compiled for one input size on one device, and the inferences it has in flight."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from stream.errors import ModelError
from stream.frame import Alpha, Image
from stream.inference.devices import core


@dataclass(frozen=True)
class EngineOptions:
    """How a network is to be run.

    Attributes:
        device: As OpenVINO spells it.
        requests: How many inferences are in flight. One: it gets all threads. More: they share the
            threads, and all together are as fast as can be.
        threads: How many threads infer on a CPU; None for all cores.
        cache_dir: Where compiled networks are kept for the next start; None to keep none.
    """

    device: str
    requests: int
    threads: int | None
    cache_dir: Path | None

    def properties(self) -> dict[str, str | int]:
        """As OpenVINO properties. Every thread count of OpenVINO is decided here."""
        found: dict[str, str | int] = {
            "PERFORMANCE_HINT": "LATENCY" if self.requests == 1 else "THROUGHPUT"
        }
        if self.cache_dir is not None:
            found["CACHE_DIR"] = str(self.cache_dir)
        if self.device.split(".")[0] not in ("GPU", "NPU"):
            # Newer CPUs would otherwise compute in bfloat16, which shows in soft edges.
            found["INFERENCE_PRECISION_HINT"] = "f32"
        if self.device == "CPU":
            threads = self.threads or cpu_count()
            found["INFERENCE_NUM_THREADS"] = threads
            if self.requests > 1:
                # One-thread streams need less CPU time per frame than one stream of many threads.
                found["NUM_STREAMS"] = min(self.requests, threads)
        return found


def cpu_count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_network(path: Path) -> ov.Model:
    """Read a matting network and check what goes in and comes out.

    Raises:
        ModelError: Unreadable, or not a network from an 8-bit picture to an 8-bit matte.
    """
    try:
        network = core().read_model(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise ModelError(f"cannot read the model '{path}': {reason}") from error
    ends = [*network.inputs, *network.outputs]
    found = [f"{end.element_type.get_type_name()} {end.partial_shape}" for end in ends]
    fits = (
        len(network.inputs) == len(network.outputs) == 1
        and all(end.element_type == ov.Type.u8 for end in ends)
        and network.input().partial_shape.compatible(ov.PartialShape([1, -1, -1, 3]))
        and network.output().partial_shape.compatible(ov.PartialShape([1, 1, -1, -1]))
    )
    if not fits:
        raise ModelError(
            f"'{path}' is not a matting network: expected u8 [1,H,W,3] in and u8 [1,1,H,W] out, "
            f"got {'; '.join(found)}",
            hint="write one with `python -m pruner.export`",
        )
    return network


class Request:
    """One inference at a time: fill `image`, `start`, `wait`.

    Attributes:
        image: (h, w, 3) uint8 BGR: the network's own input, to be written into.
        latency_s: How long the latest inference took, from `start` to its matte, in seconds; None
            where the device does not say.
    """

    latency_s: float | None = None

    def __init__(self, infer: ov.InferRequest) -> None:
        self._infer = infer
        self.image: Image = infer.get_input_tensor().data[0]

    def start(self) -> None:
        """Begin to infer; returns at once."""
        self._infer.start_async()

    def wait(self) -> Alpha:
        """Wait for the matte.

        Returns:
            (h, w) uint8, overwritten by the next inference.

        Raises:
            RuntimeError: The device failed.
        """
        self._infer.wait()
        self.latency_s = self._infer.latency / 1e3
        alpha: Alpha = self._infer.get_output_tensor().data[0, 0]
        return alpha


class Engine:
    """A network compiled for one input size.

    Args:
        network: As `read_network` gives it; left as it is.
        size_wh: Width and height of the network's input in pixels, multiples of 32.
        options: Where and how it runs.

    Attributes:
        size_wh: As given.

    Raises:
        ModelError: The network is made for another size only.
        RuntimeError: The device cannot run it.
    """

    def __init__(self, network: ov.Model, size_wh: tuple[int, int], options: EngineOptions) -> None:
        self.size_wh = size_wh
        width, height = size_wh
        network = network.clone()
        try:
            network.reshape([1, height, width, 3])
        except RuntimeError as error:
            raise ModelError(f"the model does not take pictures of {width} x {height}") from error
        self._compiled = core().compile_model(network, options.device, options.properties())
        self._idle: list[Request] = []

    @property
    def device_names(self) -> tuple[str, ...]:
        """The real devices that run it now: `AUTO` starts on the CPU and may move on."""
        devices: Sequence[str] = self._compiled.get_property("EXECUTION_DEVICES")
        return tuple(name.strip("()") for name in devices)

    def take(self) -> Request:
        """A request that nobody uses; `give_back` it once its matte has been read."""
        return self._idle.pop() if self._idle else Request(self._compiled.create_infer_request())

    def give_back(self, request: Request) -> None:
        """The request may be taken again."""
        self._idle.append(request)
