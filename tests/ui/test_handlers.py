from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
import pytest

from stream.errors import DeviceError, InputError, StreamError, UsageError
from stream.frame import Frame, MattedFrame
from stream.matting import MattePredictor
from stream.sample import CLIP
from tests.clips import make_clip, timestamps
from tests.outputs import pictures
from tests.tiny_ir import write_tiny_ir
from ui import handlers
from ui.choices import COLOUR, OWN_FILE, OWN_MODEL, BackgroundWish
from ui.convert_job import Converted, Format
from ui.handlers import Compared
from ui.live import LiveView
from ui.progress import Progress, Ticker
from ui.stoppable import stoppable
from ui.wishes import Wish
from ui.workplace import Workplace

WHITE = BackgroundWish(COLOUR, colour="#ffffff")
PAIR = ("original", "pruned")


@pytest.fixture
def clip(workplace: Workplace) -> Path:
    return make_clip(workplace.uploads / "clip.mp4", audio_tracks=1)


def wish(clip: Path | None, **changes: object) -> Wish:
    settings: dict[str, object] = {"background": WHITE, "models": PAIR, "size": 256}
    return Wish(clip, **(settings | changes))


def compare(workplace: Workplace, wanted: Wish) -> Iterator[Progress | Compared]:
    return handlers.compare(workplace, wanted, stop=threading.Event())


def convert(
    workplace: Workplace, wanted: Wish, output: Format = Format.MP4
) -> Iterator[Progress | Converted]:
    return handlers.convert(workplace, wanted, output, stop=threading.Event())


def leftovers(workplace: Workplace) -> list[Path]:
    return list((workplace.uploads.parent / "jobs").iterdir())


def test_a_comparison_ends_with_clips_numbers_and_a_report(
    workplace: Workplace, clip: Path
) -> None:
    for step in compare(workplace, wish(clip)):
        if isinstance(step, Compared):
            assert all(path.is_file() for path in (*step.outcome.clips, step.report))
            assert [side.label for side in step.comparison.sides] == ["MODNet", "MODNet-P"]
            assert step.comparison.mean_difference > 0.2
            assert step.comparison.sides[1].report.model == "blue.xml"
    assert isinstance(step, Compared)
    assert leftovers(workplace) == []


def test_an_abandoned_comparison_leaves_nothing(workplace: Workplace, clip: Path) -> None:
    steps = compare(workplace, wish(clip))
    while getattr(next(steps), "working", None) is None:
        pass
    assert leftovers(workplace)
    steps.close()
    assert leftovers(workplace) == []


def test_one_job_runs_and_the_next_one_waits(workplace: Workplace, clip: Path) -> None:
    first = compare(workplace, wish(clip))
    next(first)
    begun = threading.Event()

    def second() -> None:
        for _ in compare(workplace, wish(clip)):
            begun.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert not begun.wait(0.1)
    first.close()
    assert begun.wait(60)
    thread.join(60)


class HeldNetwork:
    """Counts the mattes of all models; holds the fifth until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.is_held = threading.Event()
        self.go_on = threading.Event()
        mattes = MattePredictor.mattes

        def held(predictor: MattePredictor, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
            for matted in mattes(predictor, frames):
                self.count += 1
                if self.count == 5:
                    self.is_held.set()
                    assert self.go_on.wait(60)
                yield matted

        monkeypatch.setattr(MattePredictor, "mattes", held)


async def run_and_cancel(job: Callable[..., Any], network: HeldNetwork) -> None:
    async def follow() -> None:
        async for _ in stoppable(job)(gr.Request(session_hash="visitor")):
            pass

    task = asyncio.create_task(follow())
    assert await asyncio.to_thread(network.is_held.wait, 60)
    task.cancel()
    await asyncio.sleep(0)  # the cancellation arrives
    network.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("handler", [handlers.compare, handlers.convert])
def test_a_job_that_is_stopped_looks_at_no_further_frame(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch, handler: Callable[..., Any]
) -> None:
    monkeypatch.setattr(Ticker, "is_due", lambda self: False)  # it does not wait to be looked at
    long_clip = make_clip(workplace.uploads / "clip.mp4", frames=90)
    network = HeldNetwork(monkeypatch)
    asyncio.run(run_and_cancel(partial(handler, workplace, wish(long_clip)), network))
    assert network.count == 5
    assert leftovers(workplace) == []


def test_a_closing_page_ends_its_jobs(workplace: Workplace, clip: Path) -> None:
    steps = compare(workplace, wish(clip))
    next(steps)
    workplace.close()
    assert not any(isinstance(step, Compared) for step in steps)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"clip": None}, UsageError, "there is no clip yet"),
        ({"models": ("original", "../secret.xml")}, UsageError, "no model is called"),
        ({"models": ("original", OWN_MODEL)}, StreamError, "got nothing"),
        ({"size": 8192}, UsageError, "no size 8192"),
        ({"device": "TPU"}, DeviceError, "no inference device 'TPU'"),
        ({"background": BackgroundWish("/etc/passwd")}, UsageError, "no background is called"),
        ({"background": BackgroundWish(OWN_FILE)}, UsageError, "no background file"),
    ],
)
def test_what_cannot_be_done_is_refused(
    workplace: Workplace,
    clip: Path,
    changes: dict[str, object],
    error: type[StreamError],
    words: str,
) -> None:
    wanted = wish(changes.pop("clip", clip), **changes)
    with pytest.raises(error, match=words):
        list(compare(workplace, wanted))
    assert leftovers(workplace) == []


def test_a_refused_clip_is_deleted_and_the_sample_is_not(workplace: Workplace) -> None:
    text = workplace.uploads / "clip.mp4"
    text.write_text("no video")
    with pytest.raises(InputError):
        handlers.accept_clip(workplace, text)
    assert not text.exists()
    with pytest.raises(InputError, match="7 seconds long"):
        handlers.accept_clip(workplace, CLIP)
    assert CLIP.exists()


def test_an_accepted_clip_is_described(workplace: Workplace, clip: Path) -> None:
    assert handlers.accept_clip(workplace, clip) == "64 by 48 · 0.4 s · 30 frames per second"


def test_a_refused_background_does_not_cost_the_clip(workplace: Workplace, clip: Path) -> None:
    bad = workplace.uploads / "background.png"
    bad.write_text("no picture")
    background = BackgroundWish(OWN_FILE, file=bad)
    with pytest.raises(InputError):
        list(compare(workplace, wish(clip, background=background)))
    assert clip.exists()
    assert not bad.exists()


def test_an_own_model_can_be_compared(workplace: Workplace, clip: Path, tmp_path: Path) -> None:
    xml = write_tiny_ir(tmp_path / "mine.xml")
    wanted = wish(clip, models=("original", OWN_MODEL), own_model=(xml, xml.with_suffix(".bin")))
    *_, done = compare(workplace, wanted)
    assert isinstance(done, Compared)
    assert done.comparison.sides[1].label == "Your own model"
    assert done.comparison.mean_difference == 0


def test_the_preview_is_one_picture_of_each_model_as_rgb(workplace: Workplace, clip: Path) -> None:
    green, blue = handlers.preview(workplace, wish(clip))
    # The clip's room is (160, 90, 40) in BGR; red is what it has least of.
    assert green[0, 0, 0] < green[0, 0, 2]
    assert green[0, 0].astype(int).sum() > blue[0, 0].astype(int).sum()


@pytest.mark.parametrize("output", [Format.MP4, Format.MATTE, Format.WEBM, Format.MOV])
def test_a_conversion_writes_what_is_asked_for(
    workplace: Workplace, clip: Path, output: Format
) -> None:
    for step in convert(workplace, wish(clip, models=("original",)), output):
        if isinstance(step, Converted):
            assert step.frames == 12
            assert len(timestamps(step.file)) == 12
            decoder = "libvpx-vp9" if output is Format.WEBM else None
            has_alpha = "a" in pictures(step.file, decoder=decoder)[0].format.name.replace(
                "gray", ""
            )
            assert has_alpha == (output in (Format.WEBM, Format.MOV))
    assert isinstance(step, Converted)
    assert leftovers(workplace) == []


def test_a_conversion_tells_how_far_it_is(workplace: Workplace, clip: Path) -> None:
    first, second, *_ = convert(workplace, wish(clip, models=("original",)))
    assert first == Progress()
    assert isinstance(second, Progress)
    assert second.total == 12


@pytest.fixture
def view() -> Iterator[LiveView]:
    made = LiveView()
    yield made
    made.close()


def test_live_pictures_come_and_go_as_rgb(workplace: Workplace, view: LiveView) -> None:
    red = BackgroundWish(COLOUR, colour="#ff0000")
    black = np.zeros((48, 64, 3), np.uint8)
    shown, _ = handlers.live(workplace, view, black, "original", red)
    assert (shown == (255, 0, 0)).all()
    with pytest.raises(UsageError, match="no model is called"):
        handlers.live(workplace, view, black, "/some/model.xml", red)


def test_a_picture_can_be_its_own_address() -> None:
    red = np.full((48, 64, 3), (255, 0, 0), np.uint8)
    kind, _, data = handlers.picture_address(red).partition(";base64,")
    assert kind == "data:image/jpeg"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded[24, 32] == pytest.approx((0, 0, 255), abs=3)  # BGR


@pytest.mark.parametrize("time_s", [-1.0, float("nan"), float("inf")])
def test_only_a_moment_is_a_moment(workplace: Workplace, clip: Path, time_s: float) -> None:
    with pytest.raises(InputError, match="no moment"):
        handlers.compared_pictures((clip, clip), time_s)


def test_large_pictures_are_shown_smaller() -> None:
    assert handlers.rgb(np.zeros((500, 2000, 3), np.uint8), max_width=640).shape == (160, 640, 3)
