"""The main tab: two models on one clip, side by side."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from stream.frame import Image
from ui import handlers
from ui.compare_layout import ask, show
from ui.events import PRIVATE, WORK
from ui.handlers import Compared
from ui.inputs import wish
from ui.markup import FAILED, STOPPED, WAITING, comparison_table, headline, is_working, progress
from ui.stoppable import stoppable
from ui.visible_errors import visible_errors
from ui.wishes import Wish, model_labels
from ui.workplace import Workplace


class CompareTab:
    """Lays the tab out and wires it.

    Args:
        workplace: Where the work is done.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._asked = ask(workplace)
        self._shown = show()
        self._wire_preview()
        self._wire_comparison()
        self._shown.player.release(
            visible_errors(self._pictures_at),
            [*self._shown.clips, self._shown.player],
            self._shown.slider,
            api_name="frames",
            show_progress="hidden",
            **WORK,
        )

    def _wire_preview(self) -> None:
        asked, shown = self._asked, self._shown
        begun = asked.preview.click(
            lambda *models: [*self._labels(models), gr.update(visible=True), ""],
            asked.models,
            [*shown.previews, shown.preview_area, shown.status],
            **PRIVATE,
        )
        begun.then(
            visible_errors(self._preview),
            asked.values(),
            shown.previews,
            api_name="preview",
            **WORK,
        )

    def _wire_comparison(self) -> None:
        asked, shown = self._asked, self._shown
        state = [*shown.areas(), *asked.buttons(), shown.status]
        begun = asked.run.click(
            self._begin,
            asked.models,
            [*shown.previews, *shown.clips, shown.slider, *state],
            **PRIVATE,
        )
        compared = begun.then(
            stoppable(self._compare),
            asked.values(),
            [shown.status, *shown.previews, *shown.results()],
            api_name="compare",
            show_progress="minimal",
            show_progress_on=[shown.status],
            **WORK,
        )
        compared.success(lambda: _state("", results=True), None, state, **PRIVATE).then(
            visible_errors(self._pictures_at), [*shown.clips, shown.player], shown.slider, **PRIVATE
        )
        # A comparison that is stopped fails as well, when the page has said so and gone on.
        compared.failure(
            lambda words: _state(FAILED) if is_working(words) else [gr.skip()] * len(state),
            [shown.status],
            state,
            **PRIVATE,
        )
        # The page does these one after the other: first of all the work ends.
        asked.stop.click(None, cancels=[compared], **PRIVATE)
        asked.stop.click(lambda: _state(STOPPED), None, state, **PRIVATE)

    def _begin(self, *models: str) -> list[Any]:
        """Empty what the comparison fills in, and show that it waits for its turn."""
        titles = model_labels(self._workplace.weights, models)
        slider = gr.update(value=None, label=" | ".join(titles))
        return [*(2 * self._labels(models)), slider, *_state(WAITING, preview=True)]

    def _labels(self, models: Sequence[str]) -> list[Any]:
        """The models' titles for two components, which are emptied."""
        titles = model_labels(self._workplace.weights, models)
        return [gr.update(value=None, label=title) for title in titles]

    def _preview(self, *values: Any) -> list[Image]:
        return handlers.preview(self._workplace, _wish(values))

    def _compare(self, *values: Any, stop: threading.Event) -> Generator[list[Any], None, None]:
        wanted = _wish(values)
        titles = model_labels(self._workplace.weights, wanted.models)
        unchanged = [gr.skip()] * len(self._shown.results())
        for step in handlers.compare(self._workplace, wanted, stop=stop):
            if isinstance(step, Compared):
                yield ["", None, None, *_results(step)]
            else:
                pictures = [
                    gr.skip() if picture is None else handlers.rgb(picture, max_width=640)
                    for picture in step.pictures
                ]
                yield [progress(step, titles), *pictures, *unchanged]

    def _pictures_at(self, a: str, b: str, time_s: float) -> tuple[Image, Image]:
        return handlers.compared_pictures((Path(a), Path(b)), float(time_s))


def _state(words: str, *, preview: bool = False, results: bool = False) -> list[Any]:
    """What is shown and can be pressed; with a preview, while the models work."""
    working = preview
    return [
        gr.update(visible=preview),
        gr.update(visible=results),
        gr.update(interactive=not working),
        gr.update(interactive=not working),
        gr.update(visible=working),
        words,
    ]


def _wish(values: Sequence[Any]) -> Wish:
    clip, *rest = values
    return wish(clip, rest[:4], rest[4:6], rest[6:])


def _results(done: Compared) -> list[Any]:
    outcome = done.outcome
    return [
        *map(str, outcome.clips),
        str(outcome.heat_clip),
        str(done.report),
        headline(done.comparison, outcome.info.frame_rate),
        comparison_table(done.comparison),
        outcome.worst_s,
    ]
