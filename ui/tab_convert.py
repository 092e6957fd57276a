"""The tab that puts a clip's people before another background, with one model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ui import handlers
from ui.choices import default_pair, model_cards
from ui.convert_job import Converted, Format
from ui.events import PRIVATE, WORK
from ui.inputs import (
    background_inputs,
    clip_input,
    detail_inputs,
    model_choices,
    wish,
)
from ui.markup import note, progress
from ui.visible_errors import visible_errors
from ui.workplace import Workplace


def build_convert_tab(workplace: Workplace) -> None:
    """Lay the tab out and wire it."""
    cards = model_cards(workplace.weights)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320):
            clip = clip_input("convert", workplace)
        with gr.Column(scale=6, min_width=420):
            background = background_inputs("convert")
            with gr.Row():
                model = gr.Dropdown(
                    model_choices(list(cards.values())),
                    value=default_pair(list(cards))[1],
                    label="Model",
                )
                output = gr.Dropdown(
                    [form.value for form in Format], value=Format.MP4.value, label="Write as"
                )
            details = detail_inputs("convert")
            run = gr.Button("Convert", variant="primary", elem_id="run-convert")
            stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop-convert")
    status = gr.HTML(elem_id="convert-status")
    with gr.Row():
        preview = gr.Image(
            label="So far", format="jpeg", interactive=False, buttons=[], visible=False, height=420
        )
        result = gr.Video(
            label="Result",
            interactive=False,
            include_audio=True,
            buttons=["download"],
            visible=False,
            elem_id="converted",
        )
    file = gr.File(label="Download", visible=False, elem_id="converted-file")

    def convert(*values: Any) -> Iterator[list[Any]]:
        clip_path, *rest = values
        wanted = wish(clip_path, rest[:4], rest[4:5], rest[6:])
        for step in handlers.convert(workplace, wanted, Format(rest[5])):
            if isinstance(step, Converted):
                text = f"{step.frames} frames in {step.seconds:.1f} seconds."
                yield [note(text, kind="good"), gr.skip(), _playable(step), str(step.file)]
            else:
                picture = step.pictures[0]
                shown = gr.skip() if picture is None else handlers.rgb(picture, max_width=640)
                yield [progress(step, [""]), shown, gr.skip(), gr.skip()]

    def arrange(working: bool, preview_on: bool, done: bool) -> list[Any]:
        states = (not working, working, preview_on, done, done)
        return [gr.update(visible=state) for state in states]

    parts = [run, stop, preview, result, file]
    converted = run.click(lambda: [*arrange(True, True, False)], None, parts, **PRIVATE).then(
        visible_errors(convert),
        [clip, *background.all(), model, output, *details.all()],
        [status, preview, result, file],
        api_name="convert",
        show_progress="minimal",
        show_progress_on=[status],
        **WORK,
    )
    converted.success(lambda: arrange(False, False, True), None, parts, **PRIVATE)
    converted.failure(
        lambda: [*arrange(False, False, False), note("")], None, [*parts, status], **PRIVATE
    )
    stop.click(
        lambda: [*arrange(False, False, False), note("Stopped.")],
        None,
        [*parts, status],
        cancels=[converted],
        **PRIVATE,
    )


def _playable(done: Converted) -> Any:
    """The file for the player, where a browser plays it."""
    return str(done.file) if done.file.suffix in (".mp4", ".webm") else None
