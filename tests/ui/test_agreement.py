"""The numbers of the page are those of the command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ui.agreement import MODELS, by_the_command, by_the_page, measured

SIZE = 256


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_page_measures_what_the_command_measures(shared: Path) -> None:
    is_quiet = os.getloadavg()[0] < (os.cpu_count() or 1) / 2
    clip = sorted((shared / "clips").glob("*.mkv"))[0]
    for model, page in zip(MODELS, by_the_page(clip, size=SIZE), strict=True):
        command = by_the_command(clip, model, size=SIZE)
        assert page["stages"].keys() == command["stages"].keys()
        for same in ("model", "device", "input_size_wh", "frame_size_wh", "frames_out"):
            assert page[same] == command[same]
        rate, network, *_, cpu = measured(page, command)
        # Processor time hardly depends on what else the machine does; wall time does.
        assert cpu.page == pytest.approx(cpu.command, rel=0.3)
        if is_quiet:
            assert rate.page == pytest.approx(rate.command, rel=0.25)
            assert network.page == pytest.approx(network.command, rel=0.25)
