from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from stream.errors import InputError
from stream.sources.still import open_folder, open_image, read_image

RED_BGR = (60, 30, 200)


def save(path: Path, image: np.ndarray) -> Path:
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


def plain(size_wh: tuple[int, int] = (6, 4)) -> np.ndarray:
    return np.full((*size_wh[::-1], 3), RED_BGR, np.uint8)


def test_an_image_is_a_source_of_one_frame(tmp_path: Path) -> None:
    path = save(tmp_path / "photo.png", plain())
    with open_image(path) as source:
        frames = list(source)
    assert source.info.is_still
    assert not source.info.is_live
    assert (source.info.name, source.info.size_wh) == ("photo.png", (6, 4))
    assert (source.info.path, source.info.frame_count) == (None, 1)
    assert source.names == ["photo.png"]
    assert [frame.pts for frame in frames] == [0]
    assert (frames[0].image == RED_BGR).all()


def test_a_name_outside_ascii_is_no_obstacle(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "Gruß 写真.png", plain())).shape == (4, 6, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = np.full((48, 64, 3), 200, np.uint8)
    upright[:24, :16] = (200, 30, 60)  # a mark that tells all eight orientations apart
    stored = _undo(upright, orientation)
    exif = Pil.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{kind.lower()}"
    Pil.fromarray(stored).save(path, kind, exif=exif, quality=100)
    found = read_image(path)[..., ::-1].astype(int)
    assert found.shape == upright.shape
    assert np.abs(found - upright).mean() < 3


def _undo(upright: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera stores the picture so that EXIF `orientation` sets it upright again."""
    undo = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: np.rot90,
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undo[orientation](upright))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_transparent_parts_show_white(tmp_path: Path, depth: type) -> None:
    full = np.iinfo(depth).max
    image = np.zeros((1, 3, 4), depth)
    image[0, :, 3] = 0, full, full // 2
    found = read_image(save(tmp_path / "cut-out.png", image))
    assert found.tolist() == [[[255] * 3, [0] * 3, [128] * 3]]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = np.array([[0, 0x8000, 0xFFFF]], np.uint16)
    assert read_image(save(tmp_path / "deep.png", deep)).tolist() == [
        [[0] * 3, [128] * 3, [255] * 3]
    ]


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = np.array([[7, 200]], np.uint8)
    assert read_image(save(tmp_path / "grey.png", grey)).tolist() == [[[7] * 3, [200] * 3]]


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0 torn"])
def test_what_is_not_an_image_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"photo\.jpg is not an image"):
        open_image(tmp_path / "photo.jpg")


def huge_png(path: Path, *, width: int, height: int) -> Path:
    """A few bytes that claim to be a large picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    return path


def test_an_image_that_claims_too_many_pixels_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cv2, "imdecode")
    with pytest.raises(InputError, match="40000 x 40000: more than 100 megapixels"):
        open_image(huge_png(tmp_path / "bomb.png", width=40_000, height=40_000))


def test_a_folder_gives_its_images_in_natural_order_each_at_its_own_size(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        save(tmp_path / f"shot{number}.png", plain((number, 4)))
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".shot0.png").write_bytes(b"what macOS leaves behind")
    (tmp_path / "folder.png").mkdir()
    with open_folder(tmp_path) as source:
        frames = list(source)
    assert source.names == ["shot1.png", "shot2.png", "shot10.png"]
    assert [frame.size_wh for frame in frames] == [(1, 4), (2, 4), (10, 4)]
    assert [frame.pts for frame in frames] == [0, 1, 2]
    assert source.info.size_wh == (1, 4)
    assert source.info.frame_count == 3


@pytest.mark.parametrize("broken", ["a.png", "b.png", "c.png"])
def test_an_unreadable_image_is_left_out_with_a_warning_and_the_rest_keep_their_places(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / name, plain())
    (tmp_path / broken).write_bytes(b"broken")
    with open_folder(tmp_path) as source:
        given = [source.names[frame.pts] for frame in source]
    assert given == [name for name in ("a.png", "b.png", "c.png") if name != broken]
    assert caplog.text.count(f"{broken} is not an image") == 1


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image in the folder"):
        open_folder(tmp_path)


def test_a_folder_of_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(InputError, match="none of the 1 images"):
        open_folder(tmp_path)
