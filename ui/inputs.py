"""The parts that several tabs have: the clip, the background, the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from stream.inference.devices import available_devices
from stream.inference.model_setup import FILE_SIZE
from stream.sample import CLIP
from ui.choices import (
    BACKGROUND_CHOICES,
    BLUR,
    COLOUR,
    DEFAULT_BACKGROUND,
    DEFAULT_COLOUR,
    OWN_FILE,
    OWN_MODEL,
    SIZES,
    BackgroundWish,
    ModelCard,
)
from ui.events import PRIVATE
from ui.handlers import accept_clip, accept_recording
from ui.markup import note
from ui.visible_errors import visible_errors
from ui.wishes import Wish, accept_background
from ui.workplace import Workplace

ASK_FOR_CLIP = "Upload a video of up to one minute, or record one."


@dataclass(frozen=True)
class BackgroundInputs:
    """Where a background is chosen."""

    choice: gr.Radio
    blur: gr.Slider
    colour: gr.ColorPicker
    file: gr.File

    def all(self) -> list[gr.components.Component]:
        """In the order in which `background_wish` takes their values."""
        return [self.choice, self.blur, self.colour, self.file]


def background_wish(choice: str, blur: float, colour: str, file: str | None) -> BackgroundWish:
    """The values of `BackgroundInputs`."""
    return BackgroundWish(choice, blur, colour, Path(file) if file else None)


def background_inputs(tab: str, workplace: Workplace) -> BackgroundInputs:
    """Swatches, and for some of them what else has to be said; a file is checked as it comes."""
    choice = gr.Radio(
        [(name.capitalize(), name) for name in BACKGROUND_CHOICES],
        value=DEFAULT_BACKGROUND,
        label="New background",
        elem_id=f"{tab}-background",
        elem_classes=["swatches"],
    )
    inputs = BackgroundInputs(
        choice,
        gr.Slider(
            0,
            1,
            0.5,
            step=0.05,
            label="Strength of the blur",
            visible=False,
            elem_id=f"{tab}-blur",
        ),
        gr.ColorPicker(DEFAULT_COLOUR, label="Colour", visible=False),
        gr.File(
            label="Picture or video",
            file_types=["image", "video"],
            height=170,
            visible=False,
            elem_id=f"{tab}-background-file",
        ),
    )
    choice.change(
        lambda name: [gr.update(visible=name == kind) for kind in (BLUR, COLOUR, OWN_FILE)],
        choice,
        [inputs.blur, inputs.colour, inputs.file],
        **PRIVATE,
    )
    inputs.file.upload(
        visible_errors(lambda path: accept_background(workplace, Path(path))),
        inputs.file,
        api_visibility="private",
        show_progress="hidden",
    ).failure(lambda: None, None, inputs.file, **PRIVATE)
    return inputs


def clip_input(tab: str, workplace: Workplace, *, api_name: str | None = None) -> gr.Video:
    """The clip, checked as soon as it is there; it begins with the sample."""
    clip = gr.Video(
        str(CLIP),
        label="Your clip",
        sources=["upload", "webcam"],
        include_audio=True,
        format=None,
        webcam_options=gr.WebcamOptions(
            mirror=False,
            constraints={"video": {"width": {"ideal": 1280}, "height": {"ideal": 720}}},
        ),
        elem_id=f"{tab}-clip",
    )
    with gr.Row(elem_classes=["under-clip"]):
        facts = gr.HTML(note(accept_clip(workplace, CLIP)))
        sample = gr.Button("Use the sample", size="sm", variant="secondary", min_width=120)

    def accept(path: str | None) -> str:
        return "" if path is None else note(accept_clip(workplace, Path(path)))

    def accept_recorded(path: str | None) -> list[str | None]:
        if path is None:
            return [None, ""]
        whole, facts = accept_recording(workplace, Path(path))
        return [str(whole), note(facts)]

    check = visible_errors(accept)
    visibility: Literal["public", "private"] = "private" if api_name is None else "public"
    uploaded = clip.upload(
        check, clip, facts, api_name=api_name, api_visibility=visibility, show_progress="hidden"
    )
    recorded = clip.stop_recording(
        visible_errors(accept_recorded),
        clip,
        [clip, facts],
        api_visibility="private",
        show_progress="hidden",
    )
    for event in (uploaded, recorded):
        event.failure(lambda: (None, note(ASK_FOR_CLIP)), None, [clip, facts], **PRIVATE)
    clip.clear(lambda: note(ASK_FOR_CLIP), None, facts, **PRIVATE)
    sample.click(lambda: (str(CLIP), accept(str(CLIP))), None, [clip, facts], **PRIVATE)
    return clip


def model_choices(cards: Sequence[ModelCard], *, own: bool = True) -> list[tuple[str, str]]:
    """What a dropdown of models offers."""
    choices = [(card.label, card.name) for card in cards]
    return [*choices, ("Your own model …", OWN_MODEL)] if own else choices


@dataclass(frozen=True)
class DetailInputs:
    """What else the models need to know."""

    device: gr.Dropdown
    size: gr.Radio
    own_model: gr.File

    def all(self) -> list[gr.components.Component]:
        """In the order in which `wish` takes their values."""
        return [self.device, self.size, self.own_model]


def detail_inputs(tab: str, models: Sequence[gr.Dropdown]) -> DetailInputs:
    """An own model where one of `models` is to be that; device and size, folded away."""
    own_model = gr.File(
        label="Your own model: an OpenVINO .xml and its .bin",
        file_count="multiple",
        file_types=[".xml", ".bin"],
        height=170,
        visible=False,
        elem_id=f"{tab}-own-model",
    )
    gr.on(
        [model.change for model in models],
        lambda *names: gr.update(visible=OWN_MODEL in names),
        list(models),
        own_model,
        **PRIVATE,
    )
    with gr.Accordion("Device and size", open=False, elem_id=f"{tab}-details"), gr.Row():
        device = gr.Dropdown(
            [*available_devices(), "AUTO"], value="CPU", label="Device", scale=2, min_width=120
        )
        size = gr.Radio(
            list(SIZES),
            value=FILE_SIZE,
            label="Size",
            scale=4,
            min_width=300,
            info="Shorter side of what the network sees; less is faster, more has finer edges",
        )
    return DetailInputs(device, size, own_model)


def wish(
    clip: str | None, background: Sequence[Any], models: Sequence[str], details: Sequence[Any]
) -> Wish:
    """The values of the inputs above."""
    device, size, own_model = details
    return Wish(
        clip=Path(clip) if clip else None,
        background=background_wish(*background),
        models=tuple(models),
        own_model=tuple(map(Path, own_model or ())),
        device=device,
        size=int(size),
    )
