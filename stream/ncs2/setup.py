"""Makes the environment that the worker runs in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from stream.errors import DeviceError
from stream.ncs2.environment import (
    ENVIRONMENT,
    USB_VENDOR,
    has_libusb,
    has_stick,
    has_udev_rule,
    libraries,
    succeeds,
    worker_python,
)

RUNTIME = "openvino==2021.4.2"
_UDEV_RULE = f'SUBSYSTEM=="usb", ATTRS{{idVendor}}=="{USB_VENDOR}", MODE="0666"'
_UDEV_FILE = "/etc/udev/rules.d/97-ncs2.rules"


def make_environment(python: Path, environment: Path = ENVIRONMENT) -> None:
    """Install the old runtime, in the place of what is there.

    Args:
        python: As `stream.ncs2.environment.find_python` gives it.
        environment: Where to.

    Raises:
        DeviceError: Something cannot be installed; nothing is left behind.
    """
    shutil.rmtree(environment, ignore_errors=True)
    try:
        _run([str(python), "-m", "venv", str(environment)])
        _pip(environment, RUNTIME)
        if sys.platform == "linux" and not has_libusb(environment):
            _add_libusb(environment)
        if not is_ready(environment):
            raise DeviceError(f"{RUNTIME} was installed but does not start under {python}")
    except BaseException:
        shutil.rmtree(environment, ignore_errors=True)
        raise


def is_ready(environment: Path = ENVIRONMENT) -> bool:
    """Whether the old runtime starts there."""
    python = worker_python(environment)
    return python is not None and succeeds(python, "import openvino.inference_engine")


def advice(*, root: Path = Path("/")) -> Iterator[str]:
    """What `make ncs2` cannot add, and how a person can. On Linux; elsewhere nobody has tried."""
    if sys.platform != "linux":
        return
    if os.geteuid() != 0 and not has_udev_rule(root):
        yield (
            "a udev rule is missing, without which only root may open the stick:\n"
            f"  echo '{_UDEV_RULE}' | sudo tee {_UDEV_FILE}\n"
            "  sudo udevadm control --reload-rules && sudo udevadm trigger"
        )
    if not has_stick(root):
        yield "no stick is plugged in"


def _add_libusb(environment: Path) -> None:
    """Put the library where the plugin looks for it: beside itself, under its own name."""
    _pip(environment, "libusb-package")
    folder = libraries(environment)
    assert folder is not None
    link = folder / "libusb-1.0.so.0"
    link.symlink_to(folder.parents[1] / "libusb_package" / "libusb-1.0.so")


def _pip(environment: Path, package: str) -> None:
    python = str(worker_python(environment))
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        reason = said[-1] if said else f"code {done.returncode}"
        raise DeviceError(f"'{' '.join(command)}' failed: {reason}")
