"""Which inference devices this machine has, and whether one that was asked for is among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import openvino as ov

from stream.errors import DeviceError
from stream.ncs2 import ncs2_device

_CHOOSERS = ("AUTO", "HETERO", "MULTI")
"""OpenVINO's devices that spread the work over real ones: `AUTO`, `HETERO:GPU,CPU`."""


@cache
def core() -> ov.Core:
    """OpenVINO itself: one for the whole program, since it holds the drivers."""
    return ov.Core()


def available_devices() -> list[str]:
    """The real devices: `CPU`, and `GPU`, `GPU.1`, `NPU` where there are any."""
    return list(core().available_devices)


def describe_device(device: str) -> str:
    """What the maker calls an available device."""
    return str(core().get_property(device, "FULL_DEVICE_NAME")).strip()


def check_device(spec: str, available: Callable[[], Sequence[str]]) -> str:
    """Check that OpenVINO has a device before it fails with a page of text.

    Args:
        spec: As OpenVINO spells it, in any case: `CPU`, `GPU.1`, `AUTO`, `HETERO:GPU,CPU`.
        available: Lists the real devices there are, which loads the driver of each; not asked where
            there is no need to.

    Returns:
        The device as OpenVINO wants it.

    Raises:
        DeviceError: One that is not there; names those that are.
    """
    if (stick := ncs2_device(spec)) is not None:
        return stick  # an older OpenVINO's: whether it is there shows when it is opened
    device = spec.strip().upper()
    chooser, _, rest = device.partition(":")
    if device in ("CPU", "AUTO"):
        return device
    wanted = rest.split(",") if chooser in _CHOOSERS and rest else [device]
    here = available()
    kinds = {name.split(".")[0] for name in here}
    for name in wanted:
        if name not in here and name not in kinds:
            raise DeviceError(
                f"no inference device '{name}' here",
                hint=f"there are {', '.join([*here, 'AUTO'])}",
            )
    return device
