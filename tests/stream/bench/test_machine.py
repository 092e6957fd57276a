from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from stream.bench.machine import peak_memory_mb, this_machine

BLOCK_MB = 300


def test_the_machine_is_named_with_its_cores_and_what_it_computes_with() -> None:
    machine = this_machine()
    assert machine.cpu
    assert 1 <= machine.cores <= (os.cpu_count() or 1)
    assert "FP32" in machine.capabilities
    assert {"python", "openvino"} <= machine.versions.keys()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say")
def test_the_peak_of_memory_is_this_processs_own_and_not_that_of_the_one_that_started_it() -> None:
    block = np.ones(BLOCK_MB * 1_000_000, np.uint8)
    code = "import stream.bench.machine as machine; print(machine.peak_memory_mb())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    del block
    assert (peak_memory_mb() or 0) > BLOCK_MB
    assert 10 < float(child.stdout) < BLOCK_MB
