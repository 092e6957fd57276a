"""How long one inference takes, of our models and of others', side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np

from stream.bench.limit import Macs, chain_inference, count_macs
from stream.bench.peers import Contender, PeerKind, open_peer
from stream.bench.rounds import Effort, Laps, Task, interleave, speedup, timing
from stream.errors import StreamError
from stream.frame import Image
from stream.inference.devices import core
from stream.inference.engine import Engine, EngineOptions, read_network
from stream.inference.model_files import find_model
from stream.inference.network_input import network_size
from stream.stats import Timing

_F32_CHAIN, _INT8_CHAIN = "f32 chain", "8-bit chain"


@dataclass(frozen=True)
class LatencyRow:
    """One network at one input size.

    Attributes:
        name: Of the network.
        size_wh: Width and height of its input in pixels.
        wall: Wall time of an inference with all the threads that were asked for.
        wall_speedup: How many times as fast as the first row it is by that.
        cpu: Processor time of an inference with one thread.
        cpu_speedup: How many times as fast as the first row it is by that.
        macs: Multiply-accumulates; None where they cannot be counted.
        limit_ms: What these take with one thread at the fastest that this machine multiplies, in
            milliseconds; None without `macs`.
        reached: The limit's share of `cpu`, 0 to 1; None without `macs`.
    """

    name: str
    size_wh: tuple[int, int]
    wall: Timing
    wall_speedup: float
    cpu: Timing
    cpu_speedup: float
    macs: int | None
    limit_ms: float | None = None
    reached: float | None = None


def measure_latency(
    contenders: Sequence[Contender],
    image: Image,
    effort: Effort,
    *,
    threads: int | None = None,
    skip: Callable[[str], None],
) -> list[LatencyRow]:
    """Time each network's inference: first with one thread by processor time, then by the clock.

    Args:
        contenders: The networks; the first is what the others are compared with.
        image: (H, W, 3) uint8 BGR, of the networks' input size.
        effort: How long to measure, each of the two times.
        threads: For the times by the clock; None for all cores.
        skip: Told in one line why one of the others' networks is left out.

    Raises:
        StreamError: One of our own models cannot be run.
    """
    with contextlib.ExitStack() as opened:
        tasks = _open_all(contenders, image, threads=1, skip=skip, opened=opened)
        tasks[_F32_CHAIN] = chain_inference(int8=False)
        tasks[_INT8_CHAIN] = chain_inference(int8=True)
        one_thread = interleave(tasks, effort)
    with contextlib.ExitStack() as opened:
        tasks = _open_all(contenders, image, threads=threads, skip=skip, opened=opened)
        all_threads = interleave(tasks, effort)
    timed = [each for each in contenders if each.name in one_thread and each.name in all_threads]
    return [_row(each, timed[0].name, image, one_thread, all_threads) for each in timed]


def picture_of_size(image: Image, size_wh: tuple[int, int]) -> Image:
    """Resize a picture to the nearest size that a network takes.

    Args:
        image: (H, W, 3) uint8 BGR.
        size_wh: Width and height in pixels.
    """
    size_wh = network_size(size_wh, min(size_wh))
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _open_all(
    contenders: Sequence[Contender],
    image: Image,
    *,
    threads: int | None,
    skip: Callable[[str], None],
    opened: contextlib.ExitStack,
) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for contender in contenders:
        if contender.peer is None:
            tasks[contender.name] = _own_inference(contender.model, image, threads)
            continue
        try:
            peer = open_peer(contender.peer, size=min(image.shape[:2]), threads=threads)
            opened.callback(peer.close)
            tasks[contender.name] = peer.inference(image)
        except StreamError as error:
            skip(str(error))
    return tasks


def _own_inference(model: str, image: Image, threads: int | None) -> Task:
    height, width = image.shape[:2]
    options = EngineOptions(device="CPU", requests=1, threads=threads, cache_dir=None)
    request = Engine(read_network(find_model(model).path), (width, height), options).take()
    request.image[:] = image

    def infer() -> None:
        request.start()
        request.wait()

    return infer


def _row(
    contender: Contender,
    first: str,
    image: Image,
    one_thread: dict[str, Laps],
    all_threads: dict[str, Laps],
) -> LatencyRow:
    cpu_ms, wall_ms = one_thread[contender.name].cpu_ms, all_threads[contender.name].wall_ms
    macs = _macs(contender, image)
    limit_ms = reached = None
    if macs is not None:
        chains = one_thread[_F32_CHAIN].cpu_ms, one_thread[_INT8_CHAIN].cpu_ms
        limits_ms = [macs.limit_ms(*times) for times in zip(*chains, strict=True)]
        limit_ms, reached = median(limits_ms), speedup(limits_ms, cpu_ms)
    return LatencyRow(
        name=contender.name,
        size_wh=(image.shape[1], image.shape[0]),
        wall=timing(wall_ms),
        wall_speedup=speedup(all_threads[first].wall_ms, wall_ms),
        cpu=timing(cpu_ms),
        cpu_speedup=speedup(one_thread[first].cpu_ms, cpu_ms),
        macs=None if macs is None else macs.total,
        limit_ms=limit_ms,
        reached=reached,
    )


def _macs(contender: Contender, image: Image) -> Macs | None:
    """Those of one inference; None for peers but MODNet as exported plainly."""
    height, width = image.shape[:2]
    if contender.peer is None:
        network = read_network(find_model(contender.model).path)
        network.reshape([1, height, width, 3])
    elif contender.peer.kind in (PeerKind.MODNET_ONNXRUNTIME, PeerKind.MODNET_OPENVINO):
        network = core().read_model(contender.peer.path)
        network.reshape([1, 3, height, width])
    else:
        return None
    return count_macs(network)
