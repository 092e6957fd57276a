"""What this machine is, and what this process needs of it."""

from __future__ import annotations

import os
import platform
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from stream.inference.devices import core, describe_device
from stream.inference.engine import cpu_count
from stream.report import versions

_PROCESS = Path("/proc/self")


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


@dataclass(frozen=True)
class Footprint:
    """What this process holds at one moment of a long run; None where the system does not say.

    Attributes:
        frames: Delivered so far.
        memory_mb: Resident memory in MB.
        threads: Of all libraries; only those of Python where the system does not say.
        open_files: Files, sockets and the like.
    """

    frames: int
    memory_mb: float | None
    threads: int
    open_files: int | None


def footprint(frames: int) -> Footprint:
    """What the process holds now, after so many frames."""
    is_linux = _PROCESS.exists()
    return Footprint(
        frames=frames,
        memory_mb=_status_mb("VmRSS") if is_linux else None,
        threads=_count(_PROCESS / "task") if is_linux else threading.active_count(),
        open_files=_count(_PROCESS / "fd") if is_linux else None,
    )


def peak_memory_mb() -> float | None:
    """The most memory that this process has had in use, in MB; None where the system does not say.

    `ru_maxrss` would not do on Linux: a process starts with that of the one which started it.
    """
    if _PROCESS.exists():
        return _status_mb("VmHWM")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return None


def _status_mb(name: str) -> float:
    """One of the sizes of memory that Linux counts for this process, in MB."""
    lines = (_PROCESS / "status").read_text(encoding="ascii", errors="replace").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(kilobytes) * 1024 / 1e6


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())
