"""The tab that puts a clip's people before another background, with one model."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui import handlers
from ui.choices import default_pair, model_cards
from ui.convert_job import Converted, Format
from ui.events import PRIVATE, WORK
from ui.inputs import background_inputs, clip_input, detail_inputs, model_choices, wish
from ui.markup import FAILED, STOPPED, WAITING, is_working, note, progress
from ui.stoppable import stoppable
from ui.workplace import Workplace


@dataclass(frozen=True)
class Asked:
    """What the visitor fills in and presses; `values` are in the order that `_convert` expects."""

    values: list[gr.components.Component]
    run: gr.Button
    stop: gr.Button


@dataclass(frozen=True)
class Shown:
    """What the conversion fills in."""

    status: gr.HTML
    preview: gr.Image
    player: gr.Video
    file: gr.File


class ConvertTab:
    """Lays the tab out and wires it.

    Args:
        workplace: Where the work is done.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        asked, shown = _ask(workplace), _show()
        state = [asked.run, asked.stop, shown.preview, shown.player, shown.file, shown.status]
        begun = asked.run.click(lambda: _state(WAITING, working=True), None, state, **PRIVATE)
        converted = begun.then(
            stoppable(self._convert),
            asked.values,
            [shown.status, shown.preview, shown.player, shown.file],
            api_name="convert",
            show_progress="minimal",
            show_progress_on=[shown.status],
            **WORK,
        )
        converted.success(lambda: _state(gr.skip(), done=True), None, state, **PRIVATE)
        # A conversion that is stopped fails as well, when the page has said so and gone on.
        converted.failure(
            lambda words: _state(FAILED) if is_working(words) else [gr.skip()] * len(state),
            [shown.status],
            state,
            **PRIVATE,
        )
        # The page does these one after the other: first of all the work ends.
        asked.stop.click(None, cancels=[converted], **PRIVATE)
        asked.stop.click(lambda: _state(STOPPED), None, state, **PRIVATE)

    def _convert(
        self, clip: str | None, model: str, output: str, *values: Any, stop: threading.Event
    ) -> Generator[list[Any], None, None]:
        wanted = wish(clip, values[:4], [model], values[4:])
        for step in handlers.convert(self._workplace, wanted, Format(output), stop=stop):
            if isinstance(step, Converted):
                words = f"{step.frames} frames in {step.seconds:.1f} seconds."
                yield [note(words, kind="good"), None, _playable(step), str(step.file)]
            else:
                picture = step.pictures[0]
                shown = gr.skip() if picture is None else handlers.rgb(picture, max_width=640)
                yield [progress(step, [""]), shown, gr.skip(), gr.skip()]


def _state(words: Any, *, working: bool = False, done: bool = False) -> list[Any]:
    """What is shown, and what can be pressed."""
    visible = (working, working, done, done)
    shown = (gr.update(visible=state) for state in visible)
    return [gr.update(interactive=not working), *shown, words]


def _playable(done: Converted) -> str | None:
    """The file for the player, where a browser plays it."""
    return str(done.file) if done.file.suffix in (".mp4", ".webm") else None


def _ask(workplace: Workplace) -> Asked:
    cards = model_cards(workplace.weights)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320):
            clip = clip_input("convert", workplace)
        with gr.Column(scale=6, min_width=420):
            background = background_inputs("convert", workplace)
            with gr.Row():
                model = gr.Dropdown(
                    model_choices(list(cards.values())),
                    value=default_pair(list(cards))[1],
                    label="Model",
                )
                output = gr.Dropdown(
                    [form.value for form in Format], value=Format.MP4.value, label="Write as"
                )
            details = detail_inputs("convert", [model])
            run = gr.Button("Convert", variant="primary", elem_id="run-convert")
            stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop-convert")
    return Asked([clip, model, output, *background.all(), *details.all()], run, stop)


def _show() -> Shown:
    return Shown(
        gr.HTML(elem_id="convert-status", elem_classes=["status"]),
        gr.Image(
            label="So far", format="jpeg", interactive=False, buttons=[], visible=False, height=420
        ),
        gr.Video(
            label="Result",
            interactive=False,
            include_audio=True,
            buttons=["download"],
            visible=False,
            elem_id="converted",
        ),
        gr.File(label="Download", visible=False, elem_id="converted-file"),
    )
