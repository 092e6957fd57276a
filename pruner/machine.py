"""What trains: devices, processes, threads, and what they keep."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def add_machine(parser: argparse.ArgumentParser) -> None:
    """What computes."""
    add = parser.add_argument
    add("--workers", type=int, default=1, metavar="N", help="processes that prepare pictures")
    add("--accelerator", default="auto", help="cpu, cuda, auto")
    add("--devices", default="1", metavar="N", help="how many; with torchrun, per machine")
    add("--precision", default="32-true", help="32-true, bf16-mixed, ...")


def keep_kernels() -> None:
    """Let oneDNN keep what it compiles for every layer and batch shape; call before any network.

    Batches have nine shapes and more. Of its usual thousand kernels each would be thrown away
    before it is needed again, and compiling them anew takes a tenth of a second a step.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16384")  # it has no other switch


def launched_fabric(options: argparse.Namespace) -> Fabric:
    """The devices that the options name, ready."""
    import torch
    from lightning_fabric import Fabric

    fabric = Fabric(
        accelerator=options.accelerator, devices=int(options.devices), precision=options.precision
    )
    fabric.launch()
    if fabric.device.type == "cpu":
        # Numba, which pymatting brings, has reset this to all cores; processes would fight.
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // fabric.world_size))
    return fabric
