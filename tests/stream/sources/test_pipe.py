from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.errors import InputError, StoppedError
from stream.source import open_source
from stream.sources import pipe
from stream.sources.pipe import PipedVideo, PipeReader
from tests.clips import make_clip

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs select() on pipes")


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """The reading and the writing end of a pipe; the test closes the first."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(writing)


def write_all(path: Path, content: bytes) -> threading.Thread:
    writer = threading.Thread(target=path.write_bytes, args=(content,))
    writer.start()
    return writer


def test_a_video_through_a_fifo_gives_every_frame(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = write_all(fifo, make_clip(tmp_path / "clip.ts", frames=30).read_bytes())
    with open_source(str(fifo)) as source:
        assert not source.info.is_live
        assert source.info.path is None
        assert len(list(source)) == 30
    writer.join()


def test_a_video_that_needs_seeking_is_refused_with_the_way_out(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = write_all(fifo, b"no video at all " * 50)
    with pytest.raises(InputError, match="fifo is not a video") as caught:
        open_source(str(fifo))
    writer.join()
    assert caught.value.hint is not None
    assert "MPEG-TS" in caught.value.hint


def test_a_silent_pipe_is_an_error_after_its_timeout(ends: tuple[int, int]) -> None:
    reader = PipeReader(ends[0], name="pipe", timeout_s=0.1)
    with pytest.raises(InputError, match=r"pipe sent no data for 0\.1 s"):
        PipedVideo(reader, name="pipe")


def test_a_pipe_that_falls_silent_in_mid_stream_ends_in_an_error_after_its_frames(
    tmp_path: Path, ends: tuple[int, int]
) -> None:
    os.write(ends[1], make_clip(tmp_path / "clip.ts", frames=60).read_bytes())
    source = PipedVideo(PipeReader(ends[0], name="pipe", timeout_s=0.2), name="pipe")
    frames = []
    with pytest.raises(InputError, match="pipe sent no data"):
        frames.extend(source)
    assert len(frames) == 60


def test_closing_ends_the_wait_for_a_silent_pipe(tmp_path: Path, ends: tuple[int, int]) -> None:
    os.write(ends[1], make_clip(tmp_path / "clip.ts", frames=60).read_bytes())
    source = PipedVideo(PipeReader(ends[0], name="pipe", timeout_s=60), name="pipe")
    count = 0

    def read() -> None:
        nonlocal count
        for _ in source:
            count += 1

    reading = threading.Thread(target=read)
    reading.start()
    start = time.monotonic()
    source.close()
    reading.join()
    assert time.monotonic() - start < 1


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background ignores Ctrl-C from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_while_a_pipe_is_silent_is_a_keyboard_interrupt(ends: tuple[int, int]) -> None:
    reader = PipeReader(ends[0], name="pipe", timeout_s=60)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        PipedVideo(reader, name="pipe")
    timer.join()


def test_a_pipe_that_nobody_writes_to_is_waited_for_until_the_program_is_stopped(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "fifo")
    answers = iter([False, False, True])
    with pytest.raises(StoppedError, match="fifo"):
        open_source(str(tmp_path / "fifo"), cancelled=lambda: next(answers, True))


def test_a_playlist_through_a_pipe_opens_no_file(tmp_path: Path) -> None:
    make_clip(tmp_path / "secret.ts")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    content = f"ffconcat version 1.0\nfile 'file:{tmp_path / 'secret.ts'}'\n".encode()
    writer = write_all(fifo, content)
    with pytest.raises(InputError):
        open_source(str(fifo))
    writer.join()


def test_a_terminal_is_not_read_as_a_video(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setattr(pipe.sys, "stdin", Terminal())
    with pytest.raises(InputError, match="which is a terminal"):
        open_source("-")
