"""The worker with the real OpenVINO 2021.4, its CPU plugin in the place of the stick."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import pytest

import stream.ncs2.__main__
from models.checkpoint import load
from models.modnet import MODNet
from pruner.old_runtime import write_for_old_runtime
from pruner.onnx_graph import write_onnx
from pruner.openvino_ir import save_ir, to_ir
from stream.errors import DeviceError
from stream.frame import Alpha, Image
from stream.inference.engine import Engine, EngineOptions, Request, read_network
from stream.inference.model_files import WEIGHTS
from stream.inference.network_input import network_size
from stream.ncs2.environment import has_libusb, has_stick
from stream.ncs2.setup import is_ready
from stream.ncs2.stick import Ncs2
from tests.pruner.networks import tiny_network

pytestmark = pytest.mark.skipif(
    not is_ready(), reason="needs OpenVINO 2021.4: `make ncs2`, with a Python 3.9 or 3.8"
)

SIZES = ((96, 64), (64, 128))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network as it is exported; what is for the old runtime lies beside it."""
    return export(tiny_network().float(), tmp_path_factory.mktemp("model") / "tiny.xml")


def export(model: MODNet, path: Path) -> Path:
    save_ir(to_ir(model), path)
    write_for_old_runtime(model, path.with_suffix(".ncs2.xml"))
    return path


@pytest.fixture
def stick(tiny: Path) -> Iterator[Ncs2]:
    stick = Ncs2(tiny.with_suffix(".ncs2.xml"), device="NCS2:CPU", requests=2)
    yield stick
    stick.close()


def made_picture(width: int, height: int) -> Image:
    """A bright ellipse on a gradient, a little noisy."""
    row = np.linspace(0, 120, width).astype(np.uint8)
    image = np.repeat(np.tile(row, (height, 1))[..., None], 3, axis=2)
    centre, axes = (width // 2, height // 2), (width // 4, height // 3)
    cv2.ellipse(image, centre, axes, 0, 0, 360, (90, 140, 220), -1)
    noise = np.random.default_rng(0).integers(0, 12, image.shape, np.uint8)
    return np.asarray(cv2.add(image, noise), np.uint8)


def main_path(model: Path, size_wh: tuple[int, int]) -> Request:
    options = EngineOptions("CPU", requests=1, threads=1, cache_dir=None)
    return Engine(read_network(model), size_wh, options).take()


def matte(request: Request, image: Image) -> Alpha:
    request.image[:] = image
    request.start()
    return request.wait().copy()


@pytest.mark.parametrize("size_wh", SIZES)
def test_mattes_equal_those_of_the_main_path(
    tiny: Path, stick: Ncs2, size_wh: tuple[int, int]
) -> None:
    image = made_picture(*size_wh)
    ours = matte(main_path(tiny, size_wh), image)
    theirs = matte(stick.engine(size_wh).take(), image)
    assert ours.std() > 5  # there is something to compare
    assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_the_old_runtime_computes_what_todays_does(tiny: Path, stick: Ncs2) -> None:
    size_wh = SIZES[0]
    image = made_picture(*size_wh)
    network = ov.Core().read_model(tiny.with_suffix(".ncs2.xml"))
    network.reshape([1, 3, *image.shape[:2]])
    compiled = ov.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rgb = image[None, ..., ::-1].transpose(0, 3, 1, 2)
    today = compiled(np.float32(rgb / 127.5 - 1))[0][0, 0] * 255
    assert np.abs(today - matte(stick.engine(size_wh).take(), image)).max() < 0.6


def test_two_pictures_are_in_flight_at_once(tiny: Path, stick: Ncs2) -> None:
    size_wh = SIZES[0]
    engine, image = stick.engine(size_wh), made_picture(*size_wh)
    pictures = image, image[::-1]
    requests = [engine.take() for _ in pictures]
    for request, picture in zip(requests, pictures, strict=True):
        request.image[:] = picture
        request.start()
    together = [request.wait().copy() for request in requests]
    alone = [matte(requests[0], picture) for picture in pictures]
    np.testing.assert_array_equal(together, alone)


def test_the_worker_also_reads_the_exporters_onnx(tiny: Path, tmp_path: Path) -> None:
    size_wh = SIZES[0]
    model = tiny_network().float()
    write_onnx(model, tmp_path / "tiny.onnx", opset=11, size_wh=size_wh)
    image = made_picture(*size_wh)
    stick = Ncs2(tmp_path / "tiny.onnx", device="NCS2:CPU", requests=1)
    try:
        theirs = matte(stick.engine(size_wh).take(), image)
    finally:
        stick.close()
    assert np.abs(matte(main_path(tiny, size_wh), image).astype(int) - theirs).max() <= 2


@pytest.mark.skipif(has_stick() or not has_libusb(), reason="needs libusb, and no stick")
def test_without_a_stick_one_line_says_so_within_seconds(tiny: Path) -> None:
    started_s = time.monotonic()
    with pytest.raises(DeviceError, match=r"no stick found; missing: .*the stick$"):
        Ncs2(tiny.with_suffix(".ncs2.xml"), device="NCS2", requests=1)
    assert time.monotonic() - started_s < 10


def test_a_plugin_that_the_old_runtime_has_not_is_one_line(tiny: Path) -> None:
    with pytest.raises(DeviceError, match='Device with "FOO" name is not registered'):
        Ncs2(tiny.with_suffix(".ncs2.xml"), device="NCS2:FOO", requests=1)


@pytest.mark.skipif(not has_libusb(), reason="needs libusb")
def test_the_sticks_plugin_would_take_all_but_two_layers(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stream.ncs2.__main__.main(["query", "--model", str(tiny), "--size", "96", "64"]) == 0
    first, *left_out = capsys.readouterr().out.splitlines()
    assert first.startswith("MYRIAD takes ")
    assert {line.split()[2].rstrip(":") for line in left_out} <= {"Unsqueeze", "Concat"}


@pytest.mark.shared
@pytest.mark.parametrize("source", ["ccp", "congress", "voc"])
def test_mattes_of_people_equal_those_of_the_main_path(
    shared: Path, modnet: tuple[Path, Ncs2], source: str
) -> None:
    """But for the weights, of which one file or the other is rounded to float16 once more.

    Where the network is unsure, rounding them once is seen as 2 grey levels (against float32), and
    rounding them again, with the norms folded in, as 4.
    """
    model, stick = modnet
    picture = cv2.imread(str(min((shared / "data/val/image").glob(f"{source}_*.jpg"))))
    assert picture is not None
    size_wh = network_size((picture.shape[1], picture.shape[0]), 224)
    image = np.asarray(cv2.resize(picture, size_wh), np.uint8)
    ours = matte(main_path(model, size_wh), image)
    theirs = matte(stick.engine(size_wh).take(), image)
    difference = np.abs(ours.astype(int) - theirs)
    assert np.count_nonzero(ours > 200) > 0.01 * ours.size  # somebody is seen
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99) <= 5


@pytest.fixture(scope="module")
def modnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ncs2]]:
    """The network that is shipped, and the stick with it."""
    network = tmp_path_factory.mktemp("modnet") / "modnet.ncs2.xml"
    write_for_old_runtime(load(WEIGHTS / "modnet.safetensors"), network)
    stick = Ncs2(network, device="NCS2:CPU", requests=1)
    yield WEIGHTS / "modnet.xml", stick
    stick.close()
