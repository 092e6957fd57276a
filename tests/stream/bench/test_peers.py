from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stream.bench.peers import PeerKind, PeerSpec, open_peer
from stream.errors import ModelError, StreamError
from stream.frame import Frame
from tests.clips import picture

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from tests.tiny_onnx import write_tiny_modnet, write_tiny_rvm

MODNETS = (PeerKind.MODNET_ONNXRUNTIME, PeerKind.MODNET_OPENVINO)
SIZE_WH = (96, 64)
IMAGE = picture(SIZE_WH)


@pytest.mark.parametrize("kind", MODNETS)
def test_a_plain_modnet_sees_rgb_planes_from_minus_one_to_one(
    kind: PeerKind, tmp_path: Path
) -> None:
    spec = PeerSpec(kind, str(write_tiny_modnet(tmp_path / "tiny.onnx")))
    peer = open_peer(spec, size=64, threads=1)
    np.testing.assert_allclose(peer.predict(IMAGE), IMAGE[..., 1], atol=1)
    assert peer.input_size_wh == SIZE_WH


@pytest.mark.parametrize("kind", MODNETS)
def test_a_network_for_one_size_gives_mattes_of_that_size_only(
    kind: PeerKind, tmp_path: Path
) -> None:
    spec = PeerSpec(kind, str(write_tiny_modnet(tmp_path / "tiny.onnx", size_wh=(64, 32))))
    peer = open_peer(spec, size=64, threads=1)
    assert peer.predict(picture((130, 90))).shape == (32, 64)
    assert peer.input_size_wh == (64, 32)
    with pytest.raises(ModelError, match="takes pictures of 64 x 32 only"):
        peer.inference(IMAGE)


def test_robust_video_matting_is_handed_its_memory_from_frame_to_frame(tmp_path: Path) -> None:
    spec = PeerSpec(PeerKind.RVM, str(write_tiny_rvm(tmp_path / "rvm.onnx")))
    peer = open_peer(spec, size=64, threads=1)
    green = np.full((64, 96, 3), 200, np.uint8)
    mattes = [int(peer.predict(green)[0, 0]) for _ in range(3)]
    assert mattes == pytest.approx([200, 174.5, 149], abs=1)
    assert int(peer.predict(green[:32])[0, 0]) == 200  # of another size: another video


def test_an_inference_is_prepared_once_and_repeated_without_the_picture(tmp_path: Path) -> None:
    spec = PeerSpec(PeerKind.MODNET_OPENVINO, str(write_tiny_modnet(tmp_path / "tiny.onnx")))
    infer = open_peer(spec, size=64, threads=1).inference(IMAGE)
    matte = infer()
    assert isinstance(matte, np.ndarray)
    assert matte.shape == (1, 1, 64, 96)


def test_frames_get_their_mattes_in_order(tmp_path: Path) -> None:
    spec = PeerSpec(PeerKind.MODNET_ONNXRUNTIME, str(write_tiny_modnet(tmp_path / "tiny.onnx")))
    peer = open_peer(spec, size=64, threads=1)
    frames = [Frame(IMAGE, pts, Fraction(1, 30), captured_at=0.0) for pts in range(3)]
    assert [matted.frame for matted in peer.mattes(frames)] == frames


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("this is no network"),
        lambda path: path.unlink(),
        lambda path: write_tiny_rvm(path),
    ],
)
@pytest.mark.parametrize("kind", MODNETS)
def test_a_file_that_is_no_modnet_is_refused_in_one_line_that_names_it(
    kind: PeerKind, damage: Callable[[Path], object], tmp_path: Path
) -> None:
    path = write_tiny_modnet(tmp_path / "tiny.onnx")
    damage(path)
    with pytest.raises(ModelError, match=r"^tiny\.onnx \([^\n]+$"):
        open_peer(PeerSpec(kind, str(path)), size=64, threads=1)


def test_a_modnet_is_no_robust_video_matting(tmp_path: Path) -> None:
    path = write_tiny_modnet(tmp_path / "tiny.onnx")
    with pytest.raises(ModelError, match="expected inputs"):
        open_peer(PeerSpec(PeerKind.RVM, str(path)), size=64, threads=1)


@pytest.mark.parametrize(
    ("kind", "module"),
    [(PeerKind.MEDIAPIPE, "mediapipe"), (PeerKind.MODNET_ONNXRUNTIME, "onnxruntime")],
)
def test_a_package_that_is_not_installed_is_named(
    kind: PeerKind, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    file = "" if kind is PeerKind.MEDIAPIPE else str(write_tiny_modnet(tmp_path / "tiny.onnx"))
    spec = PeerSpec(kind, file)
    with pytest.raises(StreamError, match=module) as caught:
        open_peer(spec, size=64, threads=1)
    assert str(caught.value).startswith(spec.name)


class FakeSegmentation:
    closed = 0

    def __init__(self, model_selection: int) -> None:
        assert model_selection == 1

    def process(self, rgb: NDArray[np.uint8]) -> Any:
        return SimpleNamespace(segmentation_mask=rgb[..., 0].astype(np.float32) / 255)

    def close(self) -> None:
        FakeSegmentation.closed += 1


def fake_mediapipe(**contents: Any) -> Any:
    return SimpleNamespace(__version__="0", **contents)


def test_mediapipe_is_given_rgb_and_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    solutions = SimpleNamespace(
        selfie_segmentation=SimpleNamespace(SelfieSegmentation=FakeSegmentation)
    )
    monkeypatch.setitem(sys.modules, "mediapipe", fake_mediapipe(solutions=solutions))
    peer = open_peer(PeerSpec(PeerKind.MEDIAPIPE), size=64, threads=1)
    np.testing.assert_array_equal(peer.predict(IMAGE), IMAGE[..., 2])
    peer.close()
    peer.close()
    assert FakeSegmentation.closed == 1


def test_a_mediapipe_without_the_network_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", fake_mediapipe())
    with pytest.raises(StreamError, match="version 0 comes without the network"):
        open_peer(PeerSpec(PeerKind.MEDIAPIPE), size=64, threads=1)
