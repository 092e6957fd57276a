from __future__ import annotations

import pytest

from stream.errors import DeviceError
from stream.inference.devices import available_devices, check_device, describe_device

HERE = ["CPU", "GPU.0", "GPU.1"]


@pytest.mark.parametrize(
    ("spec", "device"),
    [
        ("cpu", "CPU"),
        ("GPU", "GPU"),
        ("gpu.1", "GPU.1"),
        ("auto", "AUTO"),
        ("AUTO:GPU,CPU", "AUTO:GPU,CPU"),
        ("hetero:gpu.0,cpu", "HETERO:GPU.0,CPU"),
        ("MULTI:CPU", "MULTI:CPU"),
    ],
)
def test_a_device_that_is_there_is_taken_in_openvinos_spelling(spec: str, device: str) -> None:
    assert check_device(spec, lambda: HERE) == device


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        ("NPU", "NPU"),
        ("GPU.2", "GPU.2"),
        ("AUTO:NPU,CPU", "NPU"),
        ("HETERO", "HETERO"),
        ("", ""),
        ("FOO:CPU", "FOO:CPU"),
    ],
)
def test_a_device_that_is_not_there_is_named_beside_those_that_are(spec: str, missing: str) -> None:
    with pytest.raises(DeviceError, match=f"no inference device '{missing}' here") as caught:
        check_device(spec, lambda: HERE)
    assert caught.value.hint == "there are CPU, GPU.0, GPU.1, AUTO"


def test_no_driver_is_loaded_for_the_processor() -> None:
    assert check_device("cpu", lambda: pytest.fail("asked")) == "CPU"


def test_this_machine_has_a_cpu_with_a_name() -> None:
    assert "CPU" in available_devices()
    assert describe_device("CPU")
