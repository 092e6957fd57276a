"""What this machine is, and how much memory this process has needed on it."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from stream.devices import core, describe_device
from stream.engine import cpu_count
from stream.report import versions


@dataclass(frozen=True)
class Machine:
    """Where something was measured.

    Attributes:
        cpu: What the maker calls the processor.
        cores: How many of its cores this process may use.
        capabilities: What OpenVINO can compute with on it: `FP32`, `BF16`, `INT8` and so on.
        system: The operating system.
        load: Mean number of busy threads in the last minute, of all programs; None where the system
            does not say.
        versions: Of Python and of what does the work.
    """

    cpu: str
    cores: int
    capabilities: tuple[str, ...]
    system: str
    load: float | None
    versions: dict[str, str]


def this_machine() -> Machine:
    """The machine as it is now."""
    return Machine(
        cpu=describe_device("CPU"),
        cores=cpu_count(),
        capabilities=tuple(core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
        system=platform.platform(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        versions=versions(),
    )


def peak_memory_mb() -> float | None:
    """The most memory that this process has had in use, in MB; None where the system does not say.

    `ru_maxrss` would not do on Linux: a process starts with that of the one which started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(kilobytes) * 1024 / 1e6
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return None
