from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stream.errors import ModelError, UsageError
from stream.sample import BACKGROUNDS
from ui.choices import (
    BLUR,
    COLOUR,
    OWN_FILE,
    BackgroundWish,
    default_pair,
    model_cards,
)


def test_every_shipped_background_can_be_chosen() -> None:
    for name, path in BACKGROUNDS.items():
        assert BackgroundWish(name).spec() == str(path)


@pytest.mark.parametrize("choice", ["../../etc/passwd", "/etc/passwd", "http://host/x.jpg", ""])
def test_nothing_but_the_choices_is_opened(choice: str) -> None:
    with pytest.raises(UsageError, match="no background is called"):
        BackgroundWish(choice).spec()


@pytest.mark.parametrize(("strength", "spec"), [(0.3, "blur:0.30"), (9.0, "blur:1.00")])
def test_the_strength_of_the_blur_is_kept_within_its_range(strength: float, spec: str) -> None:
    assert BackgroundWish(BLUR, blur=strength).spec() == spec


@pytest.mark.parametrize(
    ("picked", "spec"),
    [("#00B140", "#00B140"), ("rgba(0, 177.4, 64, 1)", "#00b140"), ("rgb(300,0,0)", "#ff0000")],
)
def test_colours_are_understood_as_colour_pickers_write_them(picked: str, spec: str) -> None:
    assert BackgroundWish(COLOUR, colour=picked).spec() == spec


def test_what_is_no_colour_is_refused() -> None:
    with pytest.raises(UsageError, match="no colour"):
        BackgroundWish(COLOUR, colour="/etc/passwd").spec()


def test_an_own_background_needs_a_file() -> None:
    with pytest.raises(UsageError, match="no background file"):
        BackgroundWish(OWN_FILE).spec()
    assert BackgroundWish(OWN_FILE, file=Path("/x/blur")).spec() == "/x/blur"


def test_the_cards_tell_what_the_manifest_tells(weights: Path) -> None:
    card = model_cards(weights)["pruned"]
    assert (card.title, card.parameters, card.macs) == ("MODNet-P", 1_340_000, 3_660_000_000)
    assert card.file_bytes is not None
    assert card.file_bytes > 1000


def test_a_manifest_may_leave_things_out(tmp_path: Path) -> None:
    manifest = {"version": 1, "models": {"small": {"ir": "small.xml"}}, "files": {}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    card = model_cards(tmp_path)["small"]
    assert (card.label, card.parameters, card.file_bytes) == ("small", None, None)


def test_a_folder_without_manifest_is_no_folder_of_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the list of models"):
        model_cards(tmp_path)


def test_the_precision_is_named_where_it_is_unusual(weights: Path) -> None:
    card = model_cards(weights)["pruned"]
    assert card.label == "MODNet-P"
    assert replace(card, precision="INT8").label == "MODNet-P INT8"
    assert replace(card, title="MODNet-P INT8", precision="INT8").label == "MODNet-P INT8"


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["original", "original-int8", "pruned"], ("original", "pruned")),
        (["pruned-int8", "original"], ("original", "pruned-int8")),
        (["original"], ("original", "original")),
        (["mine", "yours"], ("mine", "yours")),
    ],
)
def test_the_pruned_model_is_compared_with_the_original(
    names: list[str], pair: tuple[str, str]
) -> None:
    assert default_pair(names) == pair
