"""The webcam tab."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from stream.errors import StreamError
from ui import handlers
from ui.choices import default_pair, model_cards
from ui.events import WORK
from ui.inputs import background_inputs, background_wish, model_choices
from ui.live import LiveView
from ui.markup import live_rate, note
from ui.visible_errors import sentence, visible_errors
from ui.wishes import model_labels
from ui.workplace import Workplace

STREAM_EVERY_S = 0.1
"""How often the browser sends a picture; it manages no more."""

TIME_LIMIT_S = 120
"""How long one visitor may keep the machine busy at a time."""

_CAMERA = gr.WebcamOptions(mirror=True, constraints={"video": {"width": 640, "height": 480}})
_PICTURE_WIDTH = 320
"""Pixels below which the two pictures stand one below the other."""

_SHOW_PICTURE = """
const image = element.querySelector("img");
const show = () => { image.src = props.value; image.hidden = !props.value; };
watch("value", show);
show();
"""
_NOTE = (
    "<p>The browser sends about ten pictures in a second, so this is a demonstration; it stops "
    f"after {TIME_LIMIT_S // 60} minutes. For real time, in a window or as a virtual camera for "
    "meetings, run <code>python run_stream.py --input 0</code>. Nothing leaves this machine.</p>"
)


class LiveTab:
    """Lays the tab out and wires it.

    Args:
        workplace: Where the work is done.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._view = LiveView()
        camera, output = _pictures()
        rate = gr.HTML(note("Allow the webcam, then press Record."), elem_id="live-rate")
        background = background_inputs("live", workplace)
        model = _model(workplace)
        camera.stream(
            visible_errors(self.live),
            [camera, model, *background.all()],
            [output, rate],
            stream_every=STREAM_EVERY_S,
            time_limit=TIME_LIMIT_S,
            show_progress="hidden",
            api_visibility="private",
            **WORK,
        )

    def live(self, picture: NDArray[np.uint8] | None, model: str, *values: Any) -> list[Any]:
        """Composite one picture of the webcam, RGB, and tell the rate."""
        if picture is None:
            return [gr.skip(), gr.skip()]
        try:
            shown, rate = handlers.live(
                self._workplace, self._view, picture, model, background_wish(*values)
            )
        except StreamError as error:
            # Said once, below the picture: ten toasts in a second would cover the page.
            return ["", note(sentence(error))]
        (label,) = model_labels(self._workplace.weights, [model])
        return [handlers.picture_address(shown), live_rate(rate, label)]


def _pictures() -> tuple[gr.Image, gr.HTML]:
    with gr.Row():
        camera = gr.Image(
            label="Your webcam",
            sources=["webcam"],
            streaming=True,
            type="numpy",
            format="jpeg",
            webcam_options=_CAMERA,
            elem_id="camera",
            min_width=_PICTURE_WIDTH,
        )
        # Not an Image: that would write every picture to a file.
        output = gr.HTML(
            "",
            label="On the new background",
            show_label=True,
            container=True,
            html_template='<img alt="You, on the new background">',
            js_on_load=_SHOW_PICTURE,
            elem_id="live",
            min_width=_PICTURE_WIDTH,
        )
    return camera, output


def _model(workplace: Workplace) -> gr.Dropdown:
    cards = model_cards(workplace.weights)
    with gr.Row():
        with gr.Column(scale=4):
            model = gr.Dropdown(
                model_choices(list(cards.values()), own=False),
                value=default_pair(list(cards))[1],
                label="Model",
                elem_id="live-model",
            )
        with gr.Column(scale=6):
            gr.HTML(_NOTE, elem_classes=["prose-note"])
    return model
