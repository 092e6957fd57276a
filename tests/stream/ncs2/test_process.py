from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stream.ncs2.engine
from stream.errors import DeviceError, ModelError
from stream.frame import Image
from stream.inference.model_files import ModelFile
from stream.ncs2 import ncs2_device, ncs2_plugin
from stream.ncs2.client import Worker, WorkerLostError
from stream.ncs2.engine import Ncs2Engine
from stream.ncs2.stick import Ncs2, network_file, open_ncs2

FAKE = [sys.executable, str(Path(__file__).parents[2] / "fake_old_runtime.py")]
SIZE_WH = (64, 32)


@pytest.fixture
def sticks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Opens sticks of the stand-in; afterwards neither processes nor files are left."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    network = tmp_path / "net.xml"
    network.write_text("")
    opened: list[Ncs2] = []

    def open_stick(plugin: str = "CPU", *, requests: int = 1) -> Ncs2:
        stick = Ncs2(network, device=f"NCS2:{plugin}", requests=requests, command=FAKE)
        opened.append(stick)
        return stick

    yield open_stick
    processes = [worker(stick)._process for stick in opened if stick._worker is not None]
    for stick in opened:
        stick.close()
    assert all(process.returncode is not None for process in processes)
    assert list(folder.iterdir()) == []


def worker(stick: Ncs2) -> Worker:
    assert stick._worker is not None
    return stick._worker


def picture(green: int) -> Image:
    """A gradient in blue and red; the stand-in's matte is the green channel."""
    width, height = SIZE_WH
    image = np.full((height, width, 3), green, np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 2] = 255 - np.arange(width)
    return image


def infer(engine: Ncs2Engine, image: Image) -> int:
    """The matte's value, the same everywhere."""
    request = engine.take()
    request.image[:] = image
    request.start()
    alpha = request.wait()
    assert alpha.shape == image.shape[:2]
    assert alpha.dtype == np.uint8
    assert (alpha == alpha[0, 0]).all()
    engine.give_back(request)
    return int(alpha[0, 0])


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "device", "plugin"),
    [
        ("NCS2", "NCS2", "MYRIAD"),
        (" myriad ", "NCS2", "MYRIAD"),
        ("ncs2:myriad", "NCS2", "MYRIAD"),
        ("ncs2:cpu", "NCS2:CPU", "CPU"),
        ("NCS2:HETERO:MYRIAD,CPU", "NCS2:HETERO:MYRIAD,CPU", "HETERO:MYRIAD,CPU"),
    ],
)
def test_the_stick_has_two_names_and_may_be_another_plugin(
    spec: str, device: str, plugin: str
) -> None:
    assert ncs2_device(spec) == device
    assert ncs2_plugin(device) == plugin


@pytest.mark.parametrize("spec", ["CPU", "NPU", "HETERO:MYRIAD,CPU", ""])
def test_other_devices_are_not_the_stick(spec: str) -> None:
    assert ncs2_device(spec) is None


# --- inference ------------------------------------------------------------------------------------


def test_every_grey_level_comes_back_as_it_went(sticks: Any) -> None:
    engine = sticks().engine(SIZE_WH)
    assert [infer(engine, picture(green)) for green in range(256)] == list(range(256))
    assert engine.size_wh == SIZE_WH
    assert engine.device_names == ("NCS2:CPU",)


def test_several_pictures_are_in_flight_and_none_overwrites_another(sticks: Any) -> None:
    engine = sticks(requests=3).engine(SIZE_WH)
    requests = [engine.take() for _ in range(3)]
    for green, request in zip((10, 20, 30), requests, strict=True):
        request.image[:] = picture(green)
        request.start()
    mattes = [request.wait() for request in requests[::-1]]
    assert [int(matte[0, 0]) for matte in mattes] == [30, 20, 10]


def test_networks_of_several_sizes_share_a_worker(sticks: Any) -> None:
    stick = sticks()
    engines = [stick.engine(SIZE_WH) for _ in range(2)]
    process = worker(stick)._process.pid
    assert [infer(engine, picture(7)) for engine in engines] == [7, 7]
    assert worker(stick)._process.pid == process


def test_a_network_that_nobody_holds_is_taken_off_the_stick(sticks: Any) -> None:
    stick = sticks()
    folder = Path(stick._folder.name)
    engine = stick.engine(SIZE_WH)
    gc.disable()  # it must not take a garbage collection
    try:
        del engine
        engine = stick.engine(SIZE_WH)
    finally:
        gc.enable()
    assert [path.name for path in folder.iterdir()] == ["1"]
    assert infer(engine, picture(9)) == 9
    with pytest.raises(WorkerLostError, match="KeyError: '0'"):  # the worker has forgotten it too
        worker(stick).ask({"do": "start", "id": "0", "slot": 0}, timeout_s=10)


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("requests", [1, 3])
def test_a_worker_that_dies_is_started_again_and_no_picture_is_lost(
    sticks: Any, requests: int, caplog: pytest.LogCaptureFixture
) -> None:
    stick = sticks("DIES_ONCE", requests=requests)
    idle = stick.engine(SIZE_WH)
    engine = stick.engine(SIZE_WH)
    taken = [engine.take() for _ in range(requests)]
    for green, request in enumerate(taken, 40):
        request.image[:] = picture(green)
        request.start()
    assert [int(request.wait()[0, 0]) for request in taken] == list(range(40, 40 + requests))
    assert infer(idle, picture(3)) == 3
    assert caplog.messages == [
        "the NCS2's worker is started again: it ended with code 11: Segmentation fault"
    ]


def test_a_worker_that_dies_again_is_given_up(sticks: Any) -> None:
    engine = sticks("DIES").engine(SIZE_WH)
    with pytest.raises(RuntimeError, match="it ended with code 11: Segmentation fault"):
        infer(engine, picture(1))


@pytest.mark.skipif(sys.platform == "win32", reason="a silent pipe blocks there")
def test_a_worker_that_hangs_is_ended(sticks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.ncs2.engine, "_INFER_S", 0.2)
    stick = sticks("HANGS")
    engine = stick.engine(SIZE_WH)
    stick._may_restart = False
    with pytest.raises(RuntimeError, match="it did not answer in time"):
        infer(engine, picture(1))
    worker(stick).close()
    assert worker(stick)._process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("NOT_STARTED", "^cannot start$"),
        ("UNPLUGGED", "^the inference failed with status -5$"),
        ("NOT_COMPILED", "^Can not init Myriad device: NC_ERROR$"),
    ],
)
def test_what_the_old_runtime_reports_comes_back_as_one_line(
    sticks: Any, plugin: str, said: str
) -> None:
    with pytest.raises(RuntimeError, match=said):
        infer(sticks(plugin).engine(SIZE_WH), picture(1))


def test_a_stick_that_was_closed_fails_as_a_lost_one_does(sticks: Any) -> None:
    stick = sticks()
    engine = stick.engine(SIZE_WH)
    stick.close()
    stick.close()
    with pytest.raises(RuntimeError, match="the worker was ended"):
        infer(engine, picture(1))


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("MYRIAD", "the NCS2 cannot be used: no stick found"),
        ("NO_LIBRARY", "the NCS2 cannot be used: Cannot load library: libusb-1.0.so.0"),
    ],
)
def test_without_a_stick_or_its_library_one_line_says_so(
    sticks: Any, plugin: str, said: str
) -> None:
    with pytest.raises(DeviceError, match=said) as caught:
        sticks(plugin)
    assert "\n" not in str(caught.value)
    assert caught.value.hint is not None
    assert "make ncs2" in caught.value.hint


def test_a_file_that_is_no_network_is_one_line_too(sticks: Any, tmp_path: Path) -> None:
    (tmp_path / "net.xml").write_text("nonsense")
    with pytest.raises(DeviceError, match=r"Unknown model format! Cannot find reader"):
        sticks()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/no/such/python"], "/no/such/python cannot be started: No such file"),
        ([sys.executable, "-c", "raise OSError(5)"], "it ended with code 1: OSError: 5"),
    ],
)
def test_a_worker_that_does_not_start_says_why(command: list[str], said: str) -> None:
    with pytest.raises(WorkerLostError, match=said):
        Worker(command, timeout_s=10)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_a_program_that_is_killed_leaves_neither_worker_nor_files(tmp_path: Path) -> None:
    (tmp_path / "net.xml").write_text("")
    program = (
        "import sys, tempfile; from pathlib import Path; import stream\n"
        "from stream.ncs2.stick import Ncs2\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        f"stick = Ncs2(Path({str(tmp_path / 'net.xml')!r}), device='NCS2:CPU', requests=1, "
        f"command={FAKE!r})\n"
        "engine = stick.engine((64, 32))\n"
        "print(stick._worker._process.pid, flush=True); sys.stdin.read()\n"
    )
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        descriptor = os.pidfd_open(int(running.stdout.readline()))
        running.kill()
    try:
        assert select.select([descriptor], [], [], 10)[0]
    finally:
        os.close(descriptor)
    assert [path.name for path in tmp_path.iterdir()] == ["net.xml"]


# --- model files ----------------------------------------------------------------------------------


def test_a_model_without_a_file_for_the_stick_is_refused(tmp_path: Path) -> None:
    model = ModelFile("pruned-int8", "MODNet-P", tmp_path / "pruned_int8.xml")
    with pytest.raises(ModelError, match=r"'pruned-int8' has no file for the NCS2: .*ncs2\.xml"):
        open_ncs2(model, device="NCS2", requests=1)


def test_the_file_for_the_stick_lies_beside_the_models_own(tmp_path: Path) -> None:
    for name in ("net.ncs2.xml", "net.ncs2.bin"):
        (tmp_path / name).write_text("")
    assert network_file(ModelFile("n", "N", tmp_path / "net.xml")) == tmp_path / "net.ncs2.xml"
    (tmp_path / "net.ncs2.bin").unlink()
    with pytest.raises(ModelError, match=r"no model file '.*net\.ncs2\.bin'"):
        network_file(ModelFile("n", "N", tmp_path / "net.xml"))
