"""What the page does for its visitors: preview, compare, convert. Knows nothing of Gradio.

Pictures that leave here for the page are RGB; everywhere else they are BGR.
"""

from __future__ import annotations

import base64
import contextlib
import math
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from stream.errors import InputError, UsageError
from stream.frame import Image
from stream.inference.devices import available_devices, describe_device
from ui.choices import BackgroundWish, ModelCard, model_cards
from ui.compare_job import Outcome, run_comparison
from ui.comparison import Comparison, Side
from ui.compositor import Compositor
from ui.convert_job import Converted, Format, run_conversion
from ui.live import LiveRate, LiveView, LiveWish
from ui.peek import picture_at
from ui.progress import Progress
from ui.recording import completed
from ui.uploads import check_clip, discarded_on_refusal
from ui.wishes import Wish, accept, chosen_models, model_labels
from ui.workplace import Workplace

_JPEG_QUALITY = 85


@dataclass(frozen=True)
class Compared:
    """A finished comparison.

    Attributes:
        outcome: The clips.
        comparison: The numbers.
        report: The numbers as a JSON file.
    """

    outcome: Outcome
    comparison: Comparison
    report: Path


def accept_clip(workplace: Workplace, clip: Path) -> str:
    """See that an uploaded clip can be worked on; a refused one is deleted.

    Returns:
        What it is, in a few words.

    Raises:
        InputError: It cannot.
    """
    with discarded_on_refusal([clip], within=workplace.uploads):
        info = check_clip(clip, workplace.limits)
    width, height = info.size_wh
    facts = [f"{width} by {height}"]
    if info.duration_s is not None:
        facts.append(f"{info.duration_s:.1f} s")
    if info.frame_rate is not None:
        facts.append(f"{float(info.frame_rate):g} frames per second")
    return " · ".join(facts)


def accept_recording(workplace: Workplace, clip: Path) -> tuple[Path, str]:
    """See that a clip from a visitor's webcam can be worked on, and complete it.

    Returns:
        The clip that takes its place, and what it is, in a few words.

    Raises:
        InputError: It cannot.
    """
    accept_clip(workplace, clip)
    whole = completed(clip)
    return whole, accept_clip(workplace, whole)


def preview(workplace: Workplace, wish: Wish) -> list[Image]:
    """One picture from the middle of the clip before the background, by each of the models, as RGB.

    Raises:
        StreamError: The clip, the background, a model or the device will not do.
    """
    with workplace.job(threading.Event()) as folder:
        task, info = accept(workplace, wish)
        picture = picture_at(task.clip, (info.duration_s or 0.0) / 2)
        pictures = []
        for card in chosen_models(workplace, wish, folder):
            compositor = Compositor(card.spec, task.background, device=task.device, size=task.size)
            with contextlib.closing(compositor):
                pictures.append(rgb(compositor.picture(picture)))
        return pictures


def compare(
    workplace: Workplace, wish: Wish, *, stop: threading.Event
) -> Generator[Progress | Compared, None, None]:
    """Run two models on the clip and measure each alone.

    Yields:
        `Progress` at least four times a second, and `Compared` at the end, whose files are there
        until the next step of the iteration.

    Raises:
        StreamError: The clip, the background, a model or the device will not do.
    """
    with workplace.job(stop) as folder:
        yield Progress()
        task, _ = accept(workplace, wish)
        cards = chosen_models(workplace, wish, folder)
        outcome = yield from run_comparison(
            (cards[0].spec, cards[1].spec),
            task,
            folder,
            stop=stop,
            max_frames=workplace.limits.max_frames,
        )
        if outcome is None:
            return
        labels = model_labels(workplace.weights, wish.models)
        comparison = _comparison(outcome, labels, cards)
        report = folder / "comparison.json"
        report.write_text(comparison.to_json() + "\n", encoding="utf-8")
        yield Compared(outcome, comparison, report)


def _comparison(outcome: Outcome, labels: list[str], cards: list[ModelCard]) -> Comparison:
    a, b = map(Side, labels, outcome.reports, cards)
    return Comparison(
        sides=(a, b),
        mean_difference=outcome.mean_difference,
        worst_s=outcome.worst_s,
        machine=device_title(a.report.device),
    )


def convert(
    workplace: Workplace, wish: Wish, output: Format = Format.MP4, *, stop: threading.Event
) -> Generator[Progress | Converted, None, None]:
    """Put the people of the clip before the background, by the first of the models.

    Yields:
        `Progress` at least four times a second, and `Converted` at the end, whose file is there
        until the next step of the iteration.

    Raises:
        StreamError: The clip, the background, the model or the device will not do.
    """
    with workplace.job(stop) as folder:
        yield Progress()
        task, _ = accept(workplace, wish)
        (model, *_) = chosen_models(workplace, wish, folder)
        converted = yield from run_conversion(
            model.spec,
            task,
            output,
            folder,
            stop=stop,
            max_frames=workplace.limits.max_frames,
        )
        if converted is not None:
            yield converted


def compared_pictures(clips: tuple[Path, Path], time_s: float) -> tuple[Image, Image]:
    """The pictures of two finished clips at a moment, as RGB.

    Raises:
        InputError: A clip is not one, or the moment is no number.
    """
    if not (math.isfinite(time_s) and time_s >= 0):
        raise InputError(f"{time_s} is no moment of a clip")
    return rgb(picture_at(clips[0], time_s)), rgb(picture_at(clips[1], time_s))


def live(
    workplace: Workplace, view: LiveView, picture: Image, model: str, background: BackgroundWish
) -> tuple[Image, LiveRate]:
    """Put the people of a webcam's picture before a background.

    Args:
        workplace: Where the work is done.
        view: What is kept from one picture to the next.
        picture: (H, W, 3) uint8 RGB, as is what is returned.
        model: Name of the model.
        background: What to put behind people.

    Raises:
        StreamError: The background or the model will not do.
    """
    cards = model_cards(workplace.weights)
    if model not in cards:
        raise UsageError(f"no model is called '{model}'", hint=f"there are {', '.join(cards)}")
    wanted = LiveWish(cards[model].spec, background.spec())
    with workplace.moment():
        result, rate = view.picture(np.ascontiguousarray(picture[..., ::-1]), wanted)
    return rgb(result), rate


def picture_address(picture: Image) -> str:
    """An address that is itself a picture (H, W, 3) uint8 RGB, so that no file is left behind."""
    _, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")


def device_title(device: str) -> str:
    """What the maker calls a device, or its name."""
    return describe_device(device) if device in available_devices() else device


def rgb(image: Image, *, max_width: int = 1280) -> Image:
    """A picture for the page: RGB, and no wider than it is going to be shown."""
    height, width = image.shape[:2]
    if width > max_width:
        size_wh = max_width, max(1, round(height * max_width / width))
        image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(image[..., ::-1])
