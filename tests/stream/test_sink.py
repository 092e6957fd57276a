"""Which file is opened for which name, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from stream.errors import OutputError
from stream.sink import NullSink, Sink, open_matte_sink, open_sink
from stream.sinks.codecs import CONTAINERS, Encoding
from stream.sinks.part_file import PartFile
from stream.source import SourceInfo
from tests.clips import make_clip
from tests.outputs import (
    INFO,
    ONE_THREAD,
    TIME_BASE,
    composited,
    grey_frames,
    names,
    pictures,
    soft_disc,
)


def test_nothing_is_done_with_frames_for_nobody(tmp_path: Path) -> None:
    with open_sink("none", INFO) as sink:
        assert isinstance(sink, NullSink)
        sink.write(next(grey_frames(1)))
        sink.idle()
    assert not sink.stopped


@pytest.mark.parametrize("name", ["out.avi", "out", "out.mp4.txt"])
def test_an_unknown_extension_is_refused_with_those_that_are_known(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(OutputError, match=name) as refusal:
        open_sink(str(tmp_path / name), INFO)
    assert refusal.value.hint is not None
    assert all(suffix in refusal.value.hint for suffix in (*CONTAINERS, ".png", "frames/"))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".jpg"])
def test_transparency_is_refused_with_the_names_of_what_holds_it(
    tmp_path: Path, suffix: str
) -> None:
    with pytest.raises(OutputError, match=f"{suffix} holds no transparency") as refusal:
        open_sink(str(tmp_path / f"out{suffix}"), INFO, transparent=True)
    assert refusal.value.hint is not None
    assert all(good in refusal.value.hint for good in (".mov", ".webm", ".png", "frames/"))


@pytest.mark.parametrize("suffix", [".mp4", ".MOV", ".webm", ".mkv"])
def test_every_kind_of_video_can_be_written(tmp_path: Path, suffix: str) -> None:
    for opened in (open_sink, open_matte_sink):
        path = tmp_path / f"{opened.__name__}{suffix}"
        with opened(str(path), INFO, encoding=ONE_THREAD) as sink:
            for frame in grey_frames(3):
                sink.write(frame)
        assert len(pictures(path)) == 3


def test_an_existing_file_is_replaced_only_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"out\.mp4 exists") as refusal:
        open_sink(str(path), INFO)
    assert "--force" in str(refusal.value.hint)
    assert path.read_bytes() == b"precious"
    with open_sink(str(path), INFO, overwrite=True, encoding=ONE_THREAD) as sink:
        sink.write(next(grey_frames(1)))
        assert path.read_bytes() == b"precious"  # until the new one is complete
    assert len(pictures(path)) == 1


def test_an_existing_file_survives_a_run_without_frames(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"precious")
    open_sink(str(tmp_path / "out.mp4"), INFO, overwrite=True).close()
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
    assert names(tmp_path) == ["out.mp4"]


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", frames=1)
    (tmp_path / "link.mp4").symlink_to(clip)
    info = SourceInfo("in.mp4", (64, 48), TIME_BASE, path=clip)
    for name in ("in.mp4", "link.mp4"):
        with pytest.raises(OutputError, match="is an input"):
            open_sink(str(tmp_path / name), info, overwrite=True)
        with pytest.raises(OutputError, match="is an input"):
            open_matte_sink(str(tmp_path / name), info, overwrite=True)


def test_other_inputs_such_as_the_background_are_not_replaced_either(tmp_path: Path) -> None:
    (tmp_path / "room.png").write_bytes(b"precious")
    with pytest.raises(OutputError, match="is an input"):
        open_sink(str(tmp_path / "room.png"), INFO, overwrite=True, inputs=[tmp_path / "room.png"])
    with pytest.raises(OutputError, match="is an input"):
        open_sink(str(tmp_path), INFO, overwrite=True, inputs=[tmp_path])


@pytest.mark.parametrize("name", ["missing/out.mp4", "missing/out.png", "missing/frames/"])
def test_a_missing_folder_is_an_error_that_tells_how_to_make_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="missing") as refusal:
        open_sink(f"{tmp_path}/{name}", INFO)
    assert "mkdir" in str(refusal.value.hint)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_an_error_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="ermission"):
        open_sink(str(tmp_path / "out.mp4"), INFO)


def test_a_name_that_the_system_refuses_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long"):
        open_sink(str(tmp_path / f"{'x' * 300}.mp4"), INFO)


def test_what_a_former_run_saved_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("out.part.mp4", "out.part2.mp4"):
        (tmp_path / name).write_bytes(b"precious")
    with open_sink(str(tmp_path / "out.mp4"), INFO, encoding=ONE_THREAD) as sink:
        assert names(tmp_path) == ["out.part.mp4", "out.part2.mp4", "out.part3.mp4"]
        sink.write(next(grey_frames(1)))
    assert names(tmp_path) == ["out.mp4", "out.part.mp4", "out.part2.mp4"]
    assert (tmp_path / "out.part.mp4").read_bytes() == b"precious"


def test_a_folder_is_not_taken_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "out.json").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        PartFile(tmp_path / "out.json", overwrite=True)


def test_a_folder_that_an_input_lies_in_is_not_written_to(tmp_path: Path) -> None:
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    for folder in (photos, elsewhere):
        folder.mkdir()
    (photos / "anna.png").write_bytes(b"precious")
    (elsewhere / "link.png").symlink_to(photos / "anna.png")
    for folder in (photos, elsewhere):  # writing to the link would change what it leads to
        with pytest.raises(OutputError, match="an input of this run"):
            open_sink(f"{folder}/", INFO, overwrite=True, inputs=[elsewhere / "link.png"])
    open_sink(f"{tmp_path}/", INFO, overwrite=True, inputs=[photos / "anna.png"]).close()


def test_a_caller_may_ask_for_better_or_smaller_files(tmp_path: Path) -> None:
    sizes = []
    for crf in (10, 45):
        path = tmp_path / f"{crf}.mp4"
        encoding = Encoding(crf=crf, preset="ultrafast", threads=1)
        with open_sink(str(path), INFO, encoding=encoding) as sink:
            image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
            sink.write(composited(image))
        sizes.append(path.stat().st_size)
    assert sizes[0] > 2 * sizes[1]


def test_a_matte_is_exact_whatever_is_asked_of_the_composite(tmp_path: Path) -> None:
    encoding = Encoding(crf=51, preset="veryslow", threads=1)
    alpha = soft_disc((64, 48))
    with open_matte_sink(str(tmp_path / "matte.mp4"), INFO, encoding=encoding) as sink:
        sink.write(composited(np.zeros((48, 64, 3), np.uint8), alpha=alpha))
    (frame,) = pictures(tmp_path / "matte.mp4")
    assert np.abs(frame.to_ndarray(format="gray").astype(int) - alpha).max() <= 2


def test_all_kinds_of_sinks_have_what_the_pipeline_asks_for(tmp_path: Path) -> None:
    sinks: list[Sink] = [
        open_sink("none", INFO),
        open_sink(str(tmp_path / "out.mp4"), INFO),
        open_sink(f"{tmp_path}/frames/", INFO),
        open_matte_sink(str(tmp_path / "matte.png"), INFO),
    ]
    for sink in sinks:
        assert not sink.stopped
        sink.idle()
        sink.close()
        sink.close()
    assert names(tmp_path) == []
