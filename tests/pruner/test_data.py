from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pruner.data import LAYOUTS, Pair, balanced_weights, pairs, read_cutout, read_pair, spread
from pruner.errors import PrunerError
from tests.pruner.people import person, write_people


@pytest.mark.parametrize("folders", LAYOUTS)
def test_every_known_layout_is_read(tmp_path: Path, folders: tuple[str, str]) -> None:
    found = pairs(write_people(tmp_path, 3, folders=folders))
    assert [pair.name for pair in found] == ["made_000", "made_001", "made_002"]
    image, alpha = read_pair(found[0])
    assert image.shape == (96, 80, 3)
    assert np.array_equal(alpha, person((80, 96))[1])


def test_pictures_are_rgb(tmp_path: Path) -> None:
    image, alpha = read_pair(pairs(write_people(tmp_path, 1))[0])
    red, _, blue = image[alpha > 250].mean(axis=0)
    assert red > blue + 40


@pytest.mark.parametrize(("folder", "suffix"), [("image", ".jpg"), ("alpha", ".png")])
def test_a_file_without_its_partner_is_named(tmp_path: Path, folder: str, suffix: str) -> None:
    write_people(tmp_path, 3)
    lost = tmp_path / folder / f"made_001{suffix}"
    lost.unlink()
    with pytest.raises(PrunerError, match=r"made_001"):
        pairs(tmp_path)


def test_a_matte_of_another_size_is_named(tmp_path: Path) -> None:
    write_people(tmp_path, 1)
    write_people(tmp_path / "other", 1, size_wh=(40, 40))
    mixed = Pair("x", tmp_path / "image/made_000.jpg", tmp_path / "other/alpha/made_000.png")
    with pytest.raises(PrunerError, match=r"made_000.png: 40 x 40, but made_000.jpg is 80 x 96"):
        read_pair(mixed)


@pytest.mark.parametrize(
    ("matte", "message"),
    [
        (np.dstack([np.zeros((4, 6, 3), np.uint8), np.eye(4, 6, dtype=np.uint8)]), "transparency"),
        (np.eye(4, 6, dtype=np.uint8), "from 0 to 1"),
    ],
)
def test_a_matte_that_would_be_misread_is_refused(
    tmp_path: Path, matte: NDArray[np.uint8], message: str
) -> None:
    (pair,) = pairs(write_people(tmp_path, 1))
    cv2.imwrite(str(pair.alpha), matte)
    with pytest.raises(PrunerError, match=message):
        read_pair(pair)


def test_an_opaque_matte_in_colour_is_as_good_as_grey(tmp_path: Path) -> None:
    (pair,) = pairs(write_people(tmp_path, 1))
    _, alpha = read_pair(pair)
    cv2.imwrite(str(pair.alpha), cv2.cvtColor(alpha, cv2.COLOR_GRAY2BGRA))
    assert np.array_equal(read_pair(pair)[1], alpha)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    write_people(tmp_path, 1)
    (tmp_path / "image/made_000.jpg").write_text("not a picture")
    with pytest.raises(PrunerError, match=r"made_000.jpg: not a picture"):
        read_pair(pairs(tmp_path)[0])


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_cut_out_is_rgb_times_its_opacity(tmp_path: Path, depth: type) -> None:
    picture = np.zeros((4, 4, 4), depth)
    full = np.iinfo(depth).max
    picture[:2] = (0, 0, full, full)  # blue, green, red, opacity
    picture[2] = (0, 0, full, full // 2)
    assert cv2.imwrite(str(tmp_path / "thing.png"), picture)
    read = read_cutout(tmp_path / "thing.png")
    assert read.dtype == np.uint8
    assert read[:, 0].tolist() == [[255, 0, 0, 255]] * 2 + [[127, 0, 0, 127], [0, 0, 0, 0]]


def test_a_cut_out_without_transparency_is_refused(tmp_path: Path) -> None:
    write_people(tmp_path, 1)
    with pytest.raises(PrunerError, match=r"made_000.jpg: expected a picture with transparency"):
        read_cutout(tmp_path / "image/made_000.jpg")


def test_an_unknown_layout_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(PrunerError, match=r"image/ \+ alpha/"):
        pairs(tmp_path)


def test_a_small_source_is_drawn_as_often_as_a_big_one() -> None:
    items = [Pair(f"big_{i}", Path(), Path()) for i in range(16)]
    items += [Pair(f"small_{i}", Path(), Path()) for i in range(4)]
    weights = balanced_weights(items)
    assert sum(weights[:16]) == pytest.approx(sum(weights[16:]))
    weights = balanced_weights(items, {"small": 3})
    assert 3 * sum(weights[:16]) == pytest.approx(sum(weights[16:]))


def test_a_subset_is_always_the_same(tmp_path: Path) -> None:
    items = [Pair(str(i), Path(), Path()) for i in range(20)]
    assert spread(items, 5) == spread(items, 5)
    assert len(set(spread(items, 5))) == 5
    assert spread(items, None) == spread(items, 50) == items
