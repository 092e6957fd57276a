"""The tab that shows what pruning did to the network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import gradio as gr

from ui.choices import ModelCard
from ui.comparison import per
from ui.figures import pruning_picture, width_chart
from ui.markup import bar_cell, note, number
from ui.model_facts import SCORES, Facts, ModelFacts, shipped_models
from ui.widths import width_charts
from ui.workplace import Workplace

_WORDS = (
    '<p class="words-on">The <b>threshold</b> is for the backbone, which recognises people: each '
    "of its layers loses those of its channels (the small pictures that it hands on) whose "
    "importance, from 0 for its least to 1 for its greatest, is below the threshold. The "
    "<b>ratio</b> is for the branches that draw the matte: each of their layers loses that share "
    "of its channels, the least important first.</p>"
    '<p class="words-on">The models below were cut to a <b>budget</b> of work instead, within '
    "limits of that kind: eight channels at a time, from whichever layer the error grows least for "
    "the work, parameters and memory that are saved.</p>"
)


_DECIMALS = {SCORES["mse"]: 4, SCORES["mad"]: 4, SCORES["iou"]: 3}
"""For what differs in digits that `ui.markup.number` leaves out."""

_MACS = "MACs: multiply-accumulates for a picture of 512 by 512."


def build_compression_tab(workplace: Workplace) -> None:
    """Lay the tab out; it has nothing to wire."""
    facts = shipped_models(workplace.weights)
    gr.HTML(f"<h2>How the network was made smaller</h2>{_WORDS}{pruning_picture()}")
    gr.HTML(f"<h2>The models</h2>{model_table(facts)}")
    gr.HTML(_charts({model.card.name: model.card for model in facts.models}))


def model_table(facts: Facts) -> str:
    """What every model costs and how good it is; columns that nobody fills are left out."""
    columns = {
        "Parameters, million": [per(1e6, model.card.parameters) for model in facts.models],
        "MACs, billion": [per(1e9, model.card.macs) for model in facts.models],
        "File, MB": [per(1e6, model.card.file_bytes) for model in facts.models],
        **{title: _scores(facts.models, score) for score, title in SCORES.items()},
    }
    filled = {title: values for title, values in columns.items() if any(values)}
    heads = "".join(f'<th scope="col">{title}</th>' for title in filled)
    rows = "".join(
        f'<tr><th scope="row">{escape(model.card.label)}</th>'
        + "".join(_cell(title, values, place) for title, values in filled.items())
        + "</tr>"
        for place, model in enumerate(facts.models)
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="The models">'
        f'<table class="numbers models" id="models"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{''.join(map(note, [_MACS, *facts.notes]))}"
    )


def _scores(models: Sequence[ModelFacts], score: str) -> list[float | None]:
    return [model.scores.get(score) for model in models]


def _cell(title: str, values: Sequence[float | None], place: int) -> str:
    value, decimals = values[place], _DECIMALS.get(title)
    text = number(value) if value is None or decimals is None else f"{value:.{decimals}f}"
    return bar_cell("b", value, text, most=max(filter(None, values)))


def _charts(cards: dict[str, ModelCard]) -> str:
    if not {"original", "pruned"} <= cards.keys():
        return ""
    charts = width_charts(cards["original"].path, cards["pruned"].path)
    figures = "".join(width_chart(title, layers) for title, layers in charts.items())
    return figures and (
        "<h2>Channels of every layer</h2><p>Faint is what the original has, solid is what is left. "
        f'Point at a column for its numbers.</p><div class="figures-grid">{figures}</div>'
    )
