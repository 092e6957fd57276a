from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from stream.machine import peak_memory_mb, this_machine


def test_the_machine_is_named_with_its_cores_and_what_it_computes_with() -> None:
    machine = this_machine()
    assert machine.cpu
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert "FP32" in machine.capabilities
    assert {"python", "openvino"} <= machine.versions.keys()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_the_peak_of_memory_rises_with_what_is_used_and_does_not_fall_again() -> None:
    before = peak_memory_mb()
    assert before is not None
    block = np.ones(40_000_000, np.uint8)
    while_used = peak_memory_mb()
    del block
    after = peak_memory_mb()
    assert while_used is not None
    assert after is not None
    assert while_used >= before
    assert after >= while_used
