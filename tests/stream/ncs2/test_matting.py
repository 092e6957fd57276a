from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import stream.ncs2.stick
from stream.frame import Frame
from stream.matting import MattePredictor
from tests.tiny_ir import write_tiny_ir

FAKE = [sys.executable, str(Path(__file__).parents[2] / "fake_old_runtime.py")]
GREENS = [10 * n for n in range(8)]
AGAIN = "the NCS2's worker is started again: it ended with code 11: Segmentation fault"


@pytest.mark.parametrize("requests", [1, 3])
@pytest.mark.parametrize(
    ("plugin", "device", "messages"),
    [
        ("CPU", "NCS2:CPU", []),
        ("DIES_ONCE", "NCS2:DIES_ONCE", [AGAIN]),
        ("DIES", "CPU", [AGAIN, "it ended with code 11: Segmentation fault"]),
        ("UNPLUGGED", "CPU", ["the inference failed with status -5"]),
        ("NOT_COMPILED", "CPU", ["Can not init Myriad device: NC_ERROR"]),
    ],
)
def test_the_cpu_takes_over_from_a_stick_that_fails_and_no_frame_is_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    plugin: str,
    device: str,
    messages: list[str],
    requests: int,
) -> None:
    monkeypatch.setattr(stream.ncs2.stick, "worker_command", lambda: FAKE)
    model = write_tiny_ir(tmp_path / "tiny.xml")
    for name in ("tiny.ncs2.xml", "tiny.ncs2.bin"):
        (tmp_path / name).write_text("")
    predictor = MattePredictor(model, device=f"ncs2:{plugin}", size=32, requests=requests)
    frames = [
        Frame(np.full((48, 64 + 16 * (pts % 2), 3), green, np.uint8), pts, Fraction(1, 30), 0.0)
        for pts, green in enumerate(GREENS)
    ]
    assert [int(matted.alpha[0, 0]) for matted in predictor.mattes(frames)] == GREENS
    assert predictor.device_name == device
    predictor.close()
    if device == "CPU":
        messages = [*messages[:-1], f"NCS2:{plugin} failed, the CPU takes over: {messages[-1]}"]
    assert caplog.messages == messages
