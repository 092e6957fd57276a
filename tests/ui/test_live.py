from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stream.errors import InputError
from stream.matting import MattePredictor
from ui import compositor, live
from ui.compositor import Compositor
from ui.live import SIZES, LiveView, LiveWish, fitting_size

GREEN = np.full((48, 64, 3), (0, 255, 0), np.uint8)
BLACK = np.zeros((48, 64, 3), np.uint8)


@pytest.fixture
def view() -> Iterator[LiveView]:
    made = LiveView()
    yield made
    made.close()


def test_people_stay_and_the_rest_becomes_the_background(view: LiveView, weights: Path) -> None:
    wish = LiveWish(weights / "green.xml", "#ff0000")
    assert (view.picture(GREEN, wish)[0] == (0, 255, 0)).all()
    assert (view.picture(BLACK, wish)[0] == (0, 0, 255)).all()


def test_it_tells_the_rate_and_the_size(view: LiveView, weights: Path) -> None:
    wish = LiveWish(weights / "green.xml", "#ff0000")
    view.picture(GREEN, wish)
    rate = view.picture(GREEN, wish)[1]
    assert rate.fps > 0
    assert min(rate.input_size_wh) in SIZES


def test_a_pause_does_not_count(
    view: LiveView, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = LiveWish(weights / "green.xml", "#ff0000")
    view.picture(GREEN, wish)
    monkeypatch.setattr(compositor, "_PAUSE_S", 0.0)
    assert view.picture(GREEN, wish)[1].fps == 0  # it is the first again


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The models that are loaded from now on."""
    models: list[object] = []

    class Counted(Compositor):
        def __init__(self, model: str | Path, background: str, *, device: str, size: int) -> None:
            models.append(model)
            super().__init__(model, background, device=device, size=size)

    monkeypatch.setattr(live, "Compositor", Counted)
    return models


def test_another_background_does_not_load_the_model_again(
    view: LiveView, weights: Path, loaded: list[object]
) -> None:
    model = weights / "green.xml"
    view.picture(BLACK, LiveWish(model, "#ff0000"))
    assert (view.picture(BLACK, LiveWish(model, "#0000ff"))[0] == (255, 0, 0)).all()
    assert loaded == [model]
    view.picture(BLACK, LiveWish(weights / "blue.xml", "#0000ff"))
    assert loaded == [model, weights / "blue.xml"]


def test_another_size_does_not_load_the_model_again(
    view: LiveView, weights: Path, loaded: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "fitting_size", lambda size, network_ms: 448)
    wish = LiveWish(weights / "green.xml", "#ff0000")
    sizes = [min(view.picture(BLACK, wish)[1].input_size_wh) for _ in range(live._PATIENCE + 1)]
    assert sizes == [live._FIRST_SIZE] * live._PATIENCE + [448]
    assert loaded == [wish.model]


def test_a_picture_that_fails_is_not_the_last(
    view: LiveView, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = LiveWish(weights / "green.xml", "#ff0000")
    with monkeypatch.context() as broken:
        broken.setattr(MattePredictor, "mattes", lambda self, frames: (1 / 0 for _ in frames))
        with pytest.raises(ZeroDivisionError):
            view.picture(BLACK, wish)
    assert (view.picture(BLACK, wish)[0] == (0, 0, 255)).all()


def test_a_background_that_cannot_be_opened_leaves_the_old_one(
    view: LiveView, weights: Path
) -> None:
    wish = LiveWish(weights / "green.xml", "#ff0000")
    view.picture(BLACK, wish)
    with pytest.raises(InputError):
        view.picture(BLACK, LiveWish(wish.model, "/no/such/file.jpg"))
    assert (view.picture(BLACK, wish)[0] == (0, 0, 255)).all()


@pytest.mark.parametrize(
    ("size", "network_ms", "chosen"),
    [
        (256, 80, 256),  # it keeps up, and a larger one would not with time to spare
        (256, 100, 192),
        (512, 180, 320),
        (256, 20, 448),
        (192, 900, 192),  # no size keeps up
        (512, 1, 512),
    ],
)
def test_the_size_is_the_largest_that_keeps_up(size: int, network_ms: float, chosen: int) -> None:
    assert fitting_size(size, network_ms) == chosen


def test_a_step_up_is_not_taken_back() -> None:
    for size in SIZES:
        for network_ms in range(1, 200):
            larger = fitting_size(size, network_ms)
            if larger > size:
                assert fitting_size(larger, network_ms * (larger / size) ** 2) >= larger
