"""What trains: devices, processes, threads, and what they keep."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from pruner.errors import PrunerError
from pruner.option_types import whole

if TYPE_CHECKING:
    from lightning_fabric import Fabric


ACCELERATORS = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """What computes."""
    add = parser.add_argument
    add("--workers", type=whole(0), default=1, metavar="N", help="processes that prepare pictures")
    add("--accelerator", default="auto", choices=ACCELERATORS, help="(default: auto)")
    add(
        "--devices",
        type=whole(1),
        default=1,
        metavar="N",
        help="how many; with torchrun, per machine",
    )
    add("--precision", default="32-true", choices=PRECISIONS, help="(default: 32-true)")


def keep_kernels() -> None:
    """Let oneDNN keep what it compiles for every layer and batch shape; call before any network.

    Batches have nine shapes and more. Of its usual thousand kernels each would be thrown away
    before it is needed again, and compiling them anew takes a tenth of a second a step.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16384")  # it has no other switch


def is_first_process() -> bool:
    """Whether this is the process that writes files; known before the devices are there."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def launched_fabric(options: argparse.Namespace) -> Fabric:
    """The devices that the options name, ready.

    Raises:
        PrunerError: They are not there.
    """
    import torch
    from lightning_fabric import Fabric
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    try:
        fabric = Fabric(
            accelerator=options.accelerator, devices=options.devices, precision=options.precision
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise PrunerError(f"--accelerator {options.accelerator}: {reason}") from error
    fabric.launch()
    if fabric.device.type == "cpu":
        # Numba, which pymatting brings, has reset this to all cores; processes would fight.
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // fabric.world_size))
    return fabric
