"""Inference on a Neural Compute Stick 2, by OpenVINO 2021.4 in a process of its own.

That release is the last whose Python package drives the stick, and runs under Python 3.6 to 3.9
only. So the program starts a worker under such a Python (`worker.py`), hands it pictures in shared
memory and gets mattes back (`stick.py`). `make ncs2` sets up what the worker needs.
"""

from __future__ import annotations

_NAMES = ("NCS2", "MYRIAD")
_STICK = "MYRIAD"


def ncs2_device(spec: str) -> str | None:
    """The stick's device in one spelling; None if another device is meant.

    Args:
        spec: `NCS2` or `MYRIAD` in any case. `NCS2:CPU` names another plugin of the same old
            runtime, so that the worker can be tried without a stick.
    """
    name, _, plugin = spec.strip().upper().partition(":")
    if name not in _NAMES:
        return None
    return f"NCS2:{plugin}" if plugin not in ("", _STICK) else "NCS2"


def ncs2_plugin(device: str) -> str:
    """The old runtime's plugin for a device as `ncs2_device` spells it."""
    return device.partition(":")[2] or _STICK
