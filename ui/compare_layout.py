"""What the main tab looks like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from ui.choices import default_pair, model_cards
from ui.inputs import (
    BackgroundInputs,
    DetailInputs,
    background_inputs,
    clip_input,
    detail_inputs,
    model_choices,
)
from ui.workplace import Workplace

_HERE = Path(__file__).parent
_LEGEND = '<div class="legend"><span>alike</span><i></i><span>50 % apart</span></div>'


@dataclass(frozen=True)
class Asked:
    """What the visitor fills in and presses."""

    clip: gr.Video
    background: BackgroundInputs
    models: tuple[gr.Dropdown, gr.Dropdown]
    details: DetailInputs
    preview: gr.Button
    run: gr.Button
    stop: gr.Button

    def values(self) -> list[gr.components.Component]:
        """In the order in which `_wish` takes their values."""
        return [self.clip, *self.background.all(), *self.models, *self.details.all()]

    def buttons(self) -> list[gr.Button]:
        """In the order in which `_state` gives their states."""
        return [self.preview, self.run, self.stop]


@dataclass(frozen=True)
class Shown:
    """What the comparison fills in."""

    status: gr.HTML
    previews: tuple[gr.Image, gr.Image]
    clips: tuple[gr.Video, gr.Video]
    heat: gr.Video
    report: gr.DownloadButton
    headline: gr.HTML
    table: gr.HTML
    player: gr.HTML
    slider: gr.ImageSlider
    preview_area: gr.Column
    result_area: gr.Column

    def results(self) -> list[gr.components.Component]:
        """In the order in which `_results` gives their values."""
        return [*self.clips, self.heat, self.report, self.headline, self.table, self.player]

    def areas(self) -> list[gr.Column]:
        """In the order in which `_state` gives their states."""
        return [self.preview_area, self.result_area]


def ask(workplace: Workplace) -> Asked:
    """Lay out what the visitor fills in."""
    cards = model_cards(workplace.weights)
    choices = model_choices(list(cards.values()))
    pair = default_pair(list(cards))
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320):
            clip = clip_input("compare", workplace, api_name="check_clip")
        with gr.Column(scale=6, min_width=420):
            background = background_inputs("compare", workplace)
            with gr.Row():
                models = (
                    gr.Dropdown(choices, value=pair[0], label="Model A", elem_id="model-a"),
                    gr.Dropdown(choices, value=pair[1], label="Model B", elem_id="model-b"),
                )
            details = detail_inputs("compare", models)
            with gr.Row():  # Stop at the other end: a double click on Compare must not meet it
                stop = gr.Button(
                    "Stop", variant="stop", scale=1, visible=False, elem_id="stop-compare"
                )
                preview = gr.Button("Preview one frame", scale=2, elem_id="preview-compare")
                run = gr.Button("Compare", variant="primary", scale=2, elem_id="run-compare")
    return Asked(clip, background, models, details, preview, run, stop)


def show() -> Shown:
    """Lay out what the comparison fills in; it is hidden until there is something to see."""
    status = gr.HTML(elem_id="compare-status", elem_classes=["status"])
    with gr.Column(visible=False) as preview_area, gr.Row():
        previews = (_preview("A", "preview-a"), _preview("B", "preview-b"))
    with gr.Column(visible=False, elem_id="results") as result_area:
        top = gr.HTML()
        with gr.Row():
            clips = (_clip("A", "clip-a"), _clip("B", "clip-b"))
        player = gr.HTML(
            0.0,
            html_template=(_HERE / "player.html").read_text(encoding="utf-8"),
            js_on_load=(_HERE / "player.js").read_text(encoding="utf-8"),
            elem_id="player",
        )
        with gr.Row():
            with gr.Column():
                gr.HTML("<h2>The frame above: drag the line</h2>")
                slider = gr.ImageSlider(
                    label="A | B",
                    interactive=False,
                    elem_id="slider",
                    buttons=["fullscreen"],
                )
            with gr.Column():
                gr.HTML("<h2>Where the mattes differ</h2>")
                heat = _clip("Difference", "clip-heat", label=False)
                gr.HTML(_LEGEND)
        with gr.Row(elem_classes=["table-head"]):
            gr.HTML("<h2>Measured</h2>")
            report = gr.DownloadButton("Report (JSON)", size="sm", scale=0, elem_id="report")
        table = gr.HTML()
    return Shown(
        status, previews, clips, heat, report, top, table, player, slider, preview_area, result_area
    )


def _preview(label: str, elem_id: str) -> gr.Image:
    return gr.Image(label=label, format="jpeg", interactive=False, buttons=[], elem_id=elem_id)


def _clip(label_text: str, elem_id: str, *, label: bool = True) -> gr.Video:
    return gr.Video(
        label=label_text,
        show_label=label,
        interactive=False,
        include_audio=True,
        buttons=["download"],
        elem_id=elem_id,
    )
