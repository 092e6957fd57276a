"""Composites and mattes as image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stream.errors import OutputError
from stream.sink import open_matte_sink, open_sink
from tests.outputs import INFO, composited, disk_that_holds, grey_frames, names, soft_disc


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


def test_a_folder_takes_numbered_pictures_with_exact_alpha(tmp_path: Path) -> None:
    images = [
        np.dstack([np.full((48, 64, 3), 40 * index, np.uint8), soft_disc((64, 48), index)])
        for index in range(3)
    ]
    with open_sink(f"{tmp_path}/frames/", INFO, transparent=True) as sink:
        for index, image in enumerate(images):
            sink.write(composited(image, pts=index))
    folder = tmp_path / "frames"
    assert names(folder) == ["frame_000001.png", "frame_000002.png", "frame_000003.png"]
    for name, image in zip(names(folder), images, strict=True):
        assert np.array_equal(read(folder / name), image)


def test_pictures_from_a_folder_keep_their_names_and_sizes(tmp_path: Path) -> None:
    places = {0: (48, 64), 2: (30, 40)}  # the second picture could not be read
    with open_sink(f"{tmp_path}/out/", INFO, names=["anna.jpg", "bad.jpg", "zoé.tiff"]) as sink:
        for place, (height, width) in places.items():
            sink.write(composited(np.zeros((height, width, 3), np.uint8), pts=place))
    assert names(tmp_path / "out") == ["anna.png", "zoé.png"]
    assert read(tmp_path / "out/zoé.png").shape == (30, 40, 3)


def test_names_that_differ_only_in_their_extension_stay_apart(tmp_path: Path) -> None:
    with open_sink(f"{tmp_path}/out/", INFO, names=["anna.jpg", "anna.png"]) as sink:
        for frame in range(2):
            sink.write(composited(np.zeros((4, 4, 3), np.uint8), pts=frame))
    assert names(tmp_path / "out") == ["anna.jpg.png", "anna.png.png"]


def test_mattes_are_grey_and_exact(tmp_path: Path) -> None:
    alpha = soft_disc((64, 48))
    frame = composited(np.zeros((48, 64, 3), np.uint8), alpha=alpha)
    for spec in (f"{tmp_path}/mattes/", f"{tmp_path}/matte.png"):
        with open_matte_sink(spec, INFO) as sink:
            sink.write(frame)
    for path in (tmp_path / "mattes/frame_000001.png", tmp_path / "matte.png"):
        assert np.array_equal(read(path), alpha)


def test_a_folder_that_holds_something_is_written_to_only_on_demand(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not empty"):
        open_sink(str(tmp_path), INFO)
    with open_sink(str(tmp_path), INFO, overwrite=True) as sink:
        sink.write(next(grey_frames(1)))
    assert names(tmp_path) == ["frame_000001.png", "notes.txt"]


def test_a_shorter_run_leaves_no_frames_of_a_longer_one(tmp_path: Path) -> None:
    for count in (5, 2):
        with open_sink(f"{tmp_path}/frames/", INFO, overwrite=True) as sink:
            for frame in grey_frames(count):
                sink.write(frame)
    assert names(tmp_path / "frames") == ["frame_000001.png", "frame_000002.png"]


def test_no_frames_leave_no_folder(tmp_path: Path) -> None:
    open_sink(f"{tmp_path}/frames/", INFO).close()
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg", ".JPEG"])
def test_one_picture_becomes_one_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with open_sink(str(path), INFO) as sink:
        sink.write(composited(np.full((47, 63, 3), (60, 30, 200), np.uint8)))
    assert names(tmp_path) == [path.name]
    assert np.abs(read(path)[20, 20].astype(int) - (60, 30, 200)).max() <= 3
    assert read(path).shape == (47, 63, 3)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_one_picture_may_have_alpha(tmp_path: Path, suffix: str) -> None:
    alpha = soft_disc((64, 48))
    with open_sink(str(tmp_path / f"out{suffix}"), INFO, transparent=True) as sink:
        sink.write(composited(np.dstack([np.full((48, 64, 3), 90, np.uint8), alpha])))
    assert np.abs(read(tmp_path / f"out{suffix}")[..., 3].astype(int) - alpha).max() <= 2


def test_a_second_picture_is_refused_and_the_first_kept(tmp_path: Path) -> None:
    first, second = grey_frames(2)
    with (
        pytest.raises(OutputError, match="holds one picture") as refusal,
        open_sink(str(tmp_path / "out.png"), INFO) as sink,
    ):
        sink.write(first)
        sink.write(second)
    assert "out/" in str(refusal.value.hint)
    assert names(tmp_path) == ["out.png"]


def test_a_picture_too_large_for_its_format_is_an_output_error(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.jpg"), INFO)
    with pytest.raises(OutputError, match=r"\.jpg: it cannot hold 70000 x 1"), sink:
        sink.write(composited(np.zeros((1, 70_000, 3), np.uint8)))
    assert names(tmp_path) == []


def test_an_empty_folder_of_the_user_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    open_sink(str(tmp_path / "mine"), INFO).close()
    assert names(tmp_path) == ["mine"]


def test_a_full_disk_leaves_only_whole_pictures(tmp_path: Path) -> None:
    small = composited(np.zeros((4, 4, 3), np.uint8))
    large = composited(np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8))
    with (
        disk_that_holds(5000),
        pytest.raises(OutputError, match=r"frame_000002\.png.*MB free"),
        open_sink(f"{tmp_path}/frames/", INFO) as sink,
    ):
        sink.write(small)
        sink.write(large)
    assert names(tmp_path / "frames") == ["frame_000001.png"]
