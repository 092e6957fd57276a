from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

import stream.matting
from stream.errors import DeviceError, ModelError, UsageError
from stream.frame import Alpha, Frame, Image
from stream.inference.engine import Engine, EngineOptions, Request, read_network
from stream.matting import MattePredictor
from stream.sample import CLIP
from stream.source import open_source
from tests.tiny_ir import write_tiny_ir


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_ir(tmp_path_factory.mktemp("model") / "tiny.xml")


def picture(width: int, height: int, green: int | None = None) -> Image:
    """A gradient from left to right; the tiny network's matte is its green channel."""
    row = np.linspace(0, 255, width).astype(np.uint8)
    image = np.repeat(np.tile(row, (height, 1))[..., None], 3, axis=2)
    if green is not None:
        image[..., 1] = green
    return image


def frames(greens: list[int], sizes: tuple[tuple[int, int], ...] = ((64, 48),)) -> Iterator[Frame]:
    for pts, green in enumerate(greens):
        width, height = sizes[pts % len(sizes)]
        yield Frame(picture(width, height, green), pts, Fraction(1, 30), 0.0)


def count_engines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes for which networks are compiled from now on."""
    compiled: list[tuple[int, int]] = []

    class Counted(Engine):
        def __init__(self, network: object, size_wh: tuple[int, int], *rest: object) -> None:
            compiled.append(size_wh)
            super().__init__(network, size_wh, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stream.matting, "Engine", Counted)
    return compiled


# --- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size_wh", [(640, 480), (641, 479), (48, 64), (31, 17), (1, 1), (1283, 721)]
)
def test_the_matte_has_the_pictures_own_size_and_is_where_the_picture_says(
    tiny: Path, size_wh: tuple[int, int]
) -> None:
    image = picture(*size_wh)
    alpha = MattePredictor(tiny, size=64).predict(image)
    assert alpha.shape == image.shape[:2]
    assert alpha.dtype == np.uint8
    step = 255 / max(size_wh[0] - 1, 1)
    np.testing.assert_allclose(alpha, image[..., 1], atol=step * 16 + 1)


def test_networks_are_compiled_once_per_size_and_only_the_latest_are_kept(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = count_engines(monkeypatch)
    predictor = MattePredictor(tiny, size=32)
    widths = (32, 64, 32, 96, 128, 32, 64)
    for width in widths:
        predictor.predict(picture(width, 32))
    assert compiled == [(w, 32) for w in (32, 64, 96, 128)]
    predictor.predict(picture(32, 64))
    predictor.predict(picture(64, 32))  # used lately: still there
    predictor.predict(picture(96, 32))  # the oldest: compiled again
    assert compiled[4:] == [(32, 64), (96, 32)]
    assert predictor.input_size_wh == (96, 32)


def test_a_matte_for_the_pipeline_is_as_small_as_the_network_has_it(tiny: Path) -> None:
    predictor = MattePredictor(tiny, size=64, enlarge=False)
    first = predictor.predict(picture(640, 480, green=10))
    predictor.predict(picture(640, 480, green=200))
    assert first.shape[::-1] == predictor.input_size_wh == (96, 64)
    assert (first == 10).all()  # nobody else's


# --- order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("requests", [1, 2, 3, 8])
def test_mattes_come_in_the_frames_order_whatever_is_in_flight(tiny: Path, requests: int) -> None:
    greens = [7 * n for n in range(20)]
    predictor = MattePredictor(tiny, size=32, requests=requests, threads=2)
    matted = list(predictor.mattes(frames(greens, sizes=((64, 48), (48, 64)))))
    assert [m.frame.pts for m in matted] == list(range(20))
    assert [int(m.alpha[0, 0]) for m in matted] == greens
    assert all(m.alpha.shape == m.frame.image.shape[:2] for m in matted)


def test_one_request_gives_a_matte_before_the_next_frame_is_asked_for(tiny: Path) -> None:
    asked = 0

    def counted() -> Iterator[Frame]:
        nonlocal asked
        for frame in frames([1, 2, 3]):
            asked += 1
            yield frame

    mattes = MattePredictor(tiny, size=32).mattes(counted())
    next(mattes)
    assert asked == 1


def test_a_matte_is_not_overwritten_by_the_next(tiny: Path) -> None:
    predictor = MattePredictor(tiny, size=32)
    first = predictor.predict(picture(32, 32, green=10))
    predictor.predict(picture(32, 32, green=200))
    assert (first == 10).all()


def test_the_size_may_change_between_pictures_and_networks_are_kept(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = count_engines(monkeypatch)
    predictor = MattePredictor(tiny, size=64)
    seen = []
    for predictor.size in (64, 32, 64, 96, 32):
        predictor.predict(picture(128, 64))
        seen.append(predictor.input_size_wh)
    assert seen == [(128, 64), (64, 32), (128, 64), (192, 96), (64, 32)]
    assert made == [(128, 64), (64, 32), (192, 96)]


@pytest.mark.parametrize("requests", [1, 3])
def test_the_time_of_every_inference_is_told(tiny: Path, requests: int) -> None:
    told: list[float] = []
    predictor = MattePredictor(tiny, size=32, requests=requests, on_inference=told.append)
    assert len(list(predictor.mattes(frames([1, 2, 3, 4, 5])))) == len(told) == 5
    assert all(0 < seconds < 5 for seconds in told)


def test_a_picture_that_is_not_uint8_is_a_bug(tiny: Path) -> None:
    with pytest.raises(AssertionError, match="float32"):
        MattePredictor(tiny, size=32).predict(np.zeros((32, 32, 3), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["size", "requests", "threads"])
def test_numbers_that_cannot_be_are_refused(tiny: Path, option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} must be at least"):
        MattePredictor(tiny, **{option: -3})  # type: ignore[arg-type]


# --- options --------------------------------------------------------------------------------------


def test_one_request_asks_for_latency_and_many_for_throughput() -> None:
    one = EngineOptions("CPU", requests=1, threads=2, cache_dir=None).properties()
    many = EngineOptions("CPU", requests=3, threads=2, cache_dir=Path("kept")).properties()
    assert one == {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": 2,
    }
    assert many == {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": 2,
        "NUM_STREAMS": 2,
        "CACHE_DIR": "kept",
    }


def test_graphics_and_neural_processors_keep_their_own_precision() -> None:
    for device in ("GPU.1", "NPU"):
        options = EngineOptions(device, requests=1, threads=2, cache_dir=None)
        assert options.properties() == {"PERFORMANCE_HINT": "LATENCY"}


def test_a_compiled_network_is_kept_for_the_next_start(tiny: Path, tmp_path: Path) -> None:
    MattePredictor(tiny, size=32, cache_dir=tmp_path).predict(picture(32, 32))
    assert [path.suffix for path in tmp_path.iterdir()] == [".blob"]


# --- devices --------------------------------------------------------------------------------------


def test_the_device_that_really_runs_is_reported(tiny: Path) -> None:
    predictor = MattePredictor(tiny, size=32, device="auto")
    assert predictor.device_name == "AUTO"
    predictor.predict(picture(32, 32))
    assert predictor.device_name == "CPU"


def test_a_device_that_is_not_there_is_refused_with_those_that_are(tiny: Path) -> None:
    with pytest.raises(DeviceError, match="no inference device 'FOO' here") as caught:
        MattePredictor(tiny, device="FOO")
    assert caught.value.hint is not None
    assert "CPU" in caught.value.hint


class FakeGpu:
    """Wraps the CPU's engine as a device that adds to the matte, or is lost after some pictures."""

    error = 0
    lives = 1000
    device_names = ("GPU",)

    def __init__(self, network: object, size_wh: tuple[int, int], options: EngineOptions) -> None:
        cpu = replace(options, device="CPU")
        self._engine = Engine(network, size_wh, cpu)  # type: ignore[arg-type]
        self.size_wh = size_wh

    def take(self) -> FakeRequest:
        return FakeRequest(self._engine.take(), type(self))

    def give_back(self, request: FakeRequest) -> None:
        pass


class FakeRequest:
    latency_s = None  # this device does not say

    def __init__(self, request: Request, gpu: type[FakeGpu]) -> None:
        self._request = request
        self._gpu = gpu
        self.image = request.image
        self.start = request.start

    def wait(self) -> Alpha:
        self._gpu.lives -= 1
        if self._gpu.lives < 0:
            raise RuntimeError("[GPU] device lost")
        return self._request.wait() + np.uint8(self._gpu.error)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> type[FakeGpu]:
    class Gpu(FakeGpu):
        pass

    def make(network: object, size_wh: tuple[int, int], options: EngineOptions) -> object:
        return (Gpu if options.device == "GPU" else Engine)(network, size_wh, options)  # type: ignore[arg-type]

    monkeypatch.setattr(stream.matting, "Engine", make)
    monkeypatch.setattr(stream.matting, "available_devices", lambda: ["CPU", "GPU"])
    return Gpu


def test_a_device_that_agrees_with_the_cpu_keeps_the_work(
    tiny: Path, gpu: type[FakeGpu], caplog: pytest.LogCaptureFixture
) -> None:
    gpu.error = 1  # rounding
    predictor = MattePredictor(tiny, size=32, device="GPU")
    assert [int(m.alpha[0, 0]) for m in predictor.mattes(frames([10, 20]))] == [11, 21]
    assert predictor.device_name == "GPU"
    assert not caplog.records


@pytest.mark.parametrize("requests", [1, 3])
def test_the_cpu_takes_over_when_a_devices_first_matte_is_wrong(
    tiny: Path, gpu: type[FakeGpu], requests: int, caplog: pytest.LogCaptureFixture
) -> None:
    gpu.error = 90
    predictor = MattePredictor(tiny, size=32, device="GPU", requests=requests, threads=1)
    greens = [10, 20, 30, 40, 50]
    assert [int(m.alpha[0, 0]) for m in predictor.mattes(frames(greens))] == greens
    assert predictor.device_name == "CPU"
    assert caplog.messages == [
        "GPU failed, the CPU takes over: its matte differs from the CPU's by 90 grey levels"
    ]


@pytest.mark.parametrize("requests", [1, 3])
def test_the_cpu_takes_over_when_a_device_is_lost_and_no_frame_is(
    tiny: Path, gpu: type[FakeGpu], requests: int, caplog: pytest.LogCaptureFixture
) -> None:
    gpu.lives = 2
    predictor = MattePredictor(tiny, size=32, device="GPU", requests=requests, threads=1)
    greens = [10, 20, 30, 40, 50, 60]
    assert [int(m.alpha[0, 0]) for m in predictor.mattes(frames(greens))] == greens
    assert predictor.device_name == "CPU"
    assert caplog.messages == ["GPU failed, the CPU takes over: [GPU] device lost"]


def test_a_failure_of_the_cpu_itself_is_raised(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, *_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("stream.inference.engine.Request.wait", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        MattePredictor(tiny, size=32).predict(picture(32, 32))


# --- model files ----------------------------------------------------------------------------------


def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path) -> None:
    for suffix in (".xml", ".bin"):
        (tmp_path / "bad").with_suffix(suffix).write_text("nonsense")
    with pytest.raises(ModelError, match=r"cannot read the model '.*bad\.xml': "):
        MattePredictor(tmp_path / "bad.xml")


def test_a_network_that_is_no_matting_network_is_refused(tmp_path: Path) -> None:
    image = ops.parameter([1, 3, 32, 32], np.float32)
    ov.save_model(ov.Model([ops.relu(image)], [image], "relu"), tmp_path / "relu.xml")
    with pytest.raises(ModelError, match=r"expected u8 \[1,H,W,3\] in .* got f32 \[1,3,32,32\]"):
        read_network(tmp_path / "relu.xml")


def test_a_network_made_for_one_size_only_is_refused_for_another(tmp_path: Path) -> None:
    image = ops.parameter([1, 32, 32, 3], np.uint8)
    green = ops.gather(image, ops.constant(1), ops.constant(3))
    alpha = ops.reshape(green, ops.constant([1, 1, 32, 32]), special_zero=False)
    ov.save_model(ov.Model([alpha], [image], "fixed"), tmp_path / "fixed.xml")
    predictor = MattePredictor(tmp_path / "fixed.xml", size=64)
    with pytest.raises(ModelError, match="does not take pictures of 64 x 64"):
        predictor.predict(picture(64, 64))


def test_the_shipped_8_bit_network_is_the_same_each_time_it_is_compiled() -> None:
    with open_source(str(CLIP)) as source:
        image = next(iter(source)).image
    # What OpenVINO finds in memory differs from one compilation to the next, if it looks there.
    mattes = [MattePredictor("pruned-int8", size=160, threads=1).predict(image) for _ in range(3)]
    assert mattes[0].max() == 255
    assert all(np.array_equal(mattes[0], other) for other in mattes[1:])
