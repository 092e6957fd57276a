from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stream.signals import StopSignals

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_asks_for_a_stop_and_is_the_exit_code(
    number: signal.Signals, code: int
) -> None:
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert (signals.stop.is_set(), signals.exit_code) == (False, 0)
        os.kill(os.getpid(), number)
        assert (signals.stop.is_set(), signals.exit_code) == (True, code)
    assert signal.getsignal(number) is before


def test_the_second_signal_ends_the_program_at_once_whatever_hangs() -> None:
    code = """
import os, signal
from stream.signals import StopSignals
with StopSignals():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        print("still here", flush=True)
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        print("tidied up", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "still here\n", "")
