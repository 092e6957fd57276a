"""What the worker needs, and what of it this machine lacks."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from stream.errors import DeviceError

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-ncs2"
"""Where `make ncs2` installs the old runtime."""

VERSIONS = ("3.9", "3.8", "3.7")
"""The Python versions that the old runtime has packages for, the best first."""

USB_VENDOR = "03e7"
"""Of the stick, as USB knows it."""

_WORKER = Path(__file__).with_name("worker.py")


def worker_python(environment: Path = ENVIRONMENT) -> Path | None:
    """The Python of the environment; None if it has not been made."""
    folder, name = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    path = environment / folder / name
    return path if path.exists() else None


def worker_command(environment: Path = ENVIRONMENT) -> list[str]:
    """How the worker is started.

    Raises:
        DeviceError: Its environment has not been made.
    """
    python = worker_python(environment)
    if python is None:
        old = [] if find_python() else [f"Python {VERSIONS[0]} or {VERSIONS[1]}"]
        missing = ", ".join(["OpenVINO 2021.4", *old, *missing_parts(environment)])
        raise DeviceError(
            f"the NCS2 is not set up, run `make ncs2`; missing: {missing}",
            hint="`make ncs2` installs what it can and tells how to add the rest",
        )
    # -I: the variables and packages of the Python that runs the program are not for this one.
    return [str(python), "-I", str(_WORKER)]


def find_python() -> Path | None:
    """A Python that the old runtime has a package for, on the path or made by pyenv."""
    candidates = (python for version in VERSIONS for python in _candidates(version))
    return next((path for path in candidates if succeeds(path, "import ensurepip, venv")), None)


def succeeds(python: Path, code: str) -> bool:
    """Whether a Python runs some code."""
    try:
        return subprocess.run([python, "-I", "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def _candidates(version: str) -> Iterator[Path]:
    found = shutil.which(f"python{version}")
    if found is not None:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)


def missing_parts(environment: Path = ENVIRONMENT, *, root: Path = Path("/")) -> list[str]:
    """What is not on this machine, besides the environment, in words.

    Only Linux can be asked without the stick's own library.

    Args:
        environment: As `make ncs2` makes it.
        root: Of the file system.
    """
    if sys.platform != "linux":
        return []
    parts = {
        "libusb": has_libusb(environment),
        "a udev rule": os.geteuid() == 0 or has_udev_rule(root),
        "the stick": has_stick(root),
    }
    return [name for name, is_there in parts.items() if not is_there]


def libraries(environment: Path = ENVIRONMENT) -> Path | None:
    """The folder of the old runtime's libraries, on Linux; None if it has not been installed."""
    return next(environment.glob("lib/python3.*/site-packages/openvino/libs"), None)


def has_libusb(environment: Path = ENVIRONMENT) -> bool:
    """Whether the library is there through which the old runtime reaches USB."""
    folder = libraries(environment)
    own = folder is not None and (folder / "libusb-1.0.so.0").exists()
    return own or ctypes.util.find_library("usb-1.0") is not None


def has_udev_rule(root: Path = Path("/")) -> bool:
    """Whether a rule speaks of the stick, so that users other than root may open it."""
    folders = (root / "etc/udev/rules.d", root / "usr/lib/udev/rules.d", root / "lib/udev/rules.d")
    rules = (rule for folder in folders for rule in folder.glob("*.rules"))
    return any(USB_VENDOR in rule.read_text(errors="replace") for rule in rules)


def has_stick(root: Path = Path("/")) -> bool:
    """Whether a stick is plugged in, whoever may open it."""
    vendors = (root / "sys/bus/usb/devices").glob("*/idVendor")
    return any(vendor.read_text().strip() == USB_VENDOR for vendor in vendors)
