from __future__ import annotations

import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

import stream.sample
from stream.sample import BACKGROUND, BACKGROUNDS, CLIP, clip, make_sample, scenes

import av  # isort: skip  (after cv2)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    with av.open(str(CLIP)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference in grey levels."""
    return float(cv2.absdiff(a, b).mean())


def test_the_clip_is_small_and_starts_playing_before_it_is_loaded() -> None:
    content = CLIP.read_bytes()
    assert len(content) < 600_000
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_clip_has_a_constant_frame_rate_from_zero() -> None:
    with av.open(str(CLIP)) as container:
        video = container.streams.video[0]
        assert video.average_rate == clip.FRAME_RATE
        times = [frame.pts * video.time_base for frame in container.decode(video)]
    assert times == [Fraction(index, clip.FRAME_RATE) for index in range(clip.FRAME_COUNT)]


def test_the_clip_plays_everywhere_and_its_colours_are_bt709() -> None:
    with av.open(str(CLIP)) as container:
        video = container.streams.video[0].codec_context
        frame = next(container.decode(video=0))
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == clip.SIZE_WH
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)


def test_the_clip_has_sound_as_long_as_its_pictures() -> None:
    with av.open(str(CLIP)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    samples = np.concatenate(frames, axis=1)
    assert samples.shape[1] / clip.SAMPLE_RATE_HZ == pytest.approx(7.0, abs=0.1)
    assert 0.05 < np.abs(samples).max() < 0.9


def test_the_clip_loops_without_a_jump(pictures: list[np.ndarray]) -> None:
    steps = [difference(a, b) for a, b in pairwise(pictures)]
    assert difference(pictures[-1], pictures[0]) < 1.5 * max(steps)
    assert min(steps) > 0.3, "the picture stands still"


def test_one_period_later_the_camera_is_where_it_was() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    photograph = cv2.GaussianBlur(photograph, (0, 0), 5)
    first = clip.frame_at(photograph, 0)
    assert first.shape == (480, 640, 3)
    assert difference(first, clip.frame_at(photograph, clip.FRAME_COUNT)) < 0.1
    assert difference(first, clip.frame_at(photograph, 20)) > 1


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_every_background_is_what_its_scene_draws(name: str) -> None:
    shipped = cv2.imread(str(BACKGROUNDS[name]))
    assert shipped.shape == (720, 1280, 3)
    assert BACKGROUNDS[name].stat().st_size < 150_000
    assert difference(shipped, scenes.draw(name)) < 2.5


def test_every_scene_is_shipped_and_one_is_the_default() -> None:
    assert set(BACKGROUNDS) == set(scenes.SCENES)
    assert BACKGROUND.read_bytes() == BACKGROUNDS[make_sample.DEFAULT_SCENE].read_bytes()


def test_the_readme_of_the_sample_names_what_is_there() -> None:
    readme = Path(stream.sample.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in (CLIP.name, BACKGROUND.name, *BACKGROUNDS))


def test_without_scikit_image_the_script_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(SystemExit, match="pip install scikit-image"):
        make_sample.portrait()
