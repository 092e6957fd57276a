"""What a visitor wants done, and whether it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import UsageError
from stream.inference.model_setup import FILE_SIZE
from stream.source import SourceInfo
from ui.choices import (
    OWN_FILE,
    OWN_MODEL,
    SIZES,
    BackgroundWish,
    ModelCard,
    model_bytes,
    model_cards,
)
from ui.task import Task
from ui.uploads import check_background, check_clip, discarded_on_refusal, gather_model
from ui.workplace import Workplace


@dataclass(frozen=True)
class Wish:
    """What a visitor wants done.

    Attributes:
        clip: The uploaded clip; None if there is none yet.
        background: What to put behind people.
        models: Names of the models, or `OWN_MODEL`.
        own_model: The uploaded `.xml` and `.bin`.
        device: See `stream.inference.devices.check_device`.
        size: The network's shorter side in pixels.
    """

    clip: Path | None
    background: BackgroundWish
    models: tuple[str, ...]
    own_model: tuple[Path, ...] = ()
    device: str = "CPU"
    size: int = FILE_SIZE


def accept(workplace: Workplace, wish: Wish) -> tuple[Task, SourceInfo]:
    """Check the files that a wish names before any work is done; a refused one is deleted.

    Returns:
        What is to be done, and what is known about the clip.

    Raises:
        StreamError: The clip, the background or the size will not do.
    """
    if wish.clip is None:
        raise UsageError("there is no clip yet", hint="upload one, or take the sample")
    if wish.size not in SIZES:
        raise UsageError(f"no size {wish.size}", hint=f"there are {', '.join(map(str, SIZES))}")
    with discarded_on_refusal([wish.clip], within=workplace.uploads):
        info = check_clip(wish.clip, workplace.limits)
    spec = wish.background.spec()
    if wish.background.choice == OWN_FILE:
        accept_background(workplace, Path(spec))
    return Task(wish.clip, spec, wish.device, wish.size), info


def accept_background(workplace: Workplace, file: Path) -> None:
    """See that an uploaded file can stand behind people; a refused one is deleted.

    Raises:
        InputError: It cannot.
    """
    with discarded_on_refusal([file], within=workplace.uploads):
        check_background(file, workplace.limits)


def chosen_models(workplace: Workplace, wish: Wish, folder: Path) -> list[ModelCard]:
    """The models of a wish, a visitor's own brought to the job's folder.

    Raises:
        StreamError: There is no such model, or the visitor's is none.
    """
    cards = model_cards(workplace.weights)
    chosen = []
    for name in wish.models:
        if name == OWN_MODEL:
            uploads = list(wish.own_model)
            with discarded_on_refusal(uploads, within=workplace.uploads):
                path = gather_model(uploads, folder, workplace.limits)
            chosen.append(ModelCard("", path.stem, path, file_bytes=model_bytes(path)))
        elif name in cards:
            chosen.append(cards[name])
        else:
            raise UsageError(f"no model is called '{name}'", hint=f"there are {', '.join(cards)}")
    return chosen


def model_labels(weights: Path, models: Sequence[str]) -> list[str]:
    """What people call some models; numbered where they would not be told apart."""
    cards = model_cards(weights)
    labels = [cards[name].label if name in cards else "Your own model" for name in models]
    if len(set(labels)) == len(labels):
        return labels
    return [f"{label} ({place})" for place, label in enumerate(labels, 1)]
