"""The tab that shows what pruning did to the network."""

from __future__ import annotations

from html import escape

import gradio as gr

from ui.compression import SCORES, ModelFacts, shipped_models, width_charts
from ui.figures import pruning_picture, width_chart
from ui.markup import number
from ui.workplace import Workplace

_WORDS = (
    '<p class="words-on">A channel is one of the many small pictures that a layer hands on. '
    "The <b>threshold</b> is for the backbone, which recognises people: there a channel goes if "
    "its importance, from 0 for its layer's least to 1 for the layer's greatest, is below it. "
    "The <b>ratio</b> is for the branches that draw the matte: each of their layers loses that "
    "share of its channels, the least important first.</p>"
)


def build_compression_tab(workplace: Workplace) -> None:
    """Lay the tab out; it has nothing to wire."""
    models = shipped_models(workplace.weights)
    by_name = {facts.card.name: facts.card for facts in models}
    gr.HTML(f"<h3>How the network was made smaller</h3>{_WORDS}{pruning_picture()}")
    gr.HTML(f"<h3>The models</h3>{model_table(models)}")
    charts = {}
    if "original" in by_name and "pruned" in by_name:
        charts = width_charts(by_name["original"].path, by_name["pruned"].path)
    if charts:
        figures = "".join(width_chart(title, layers) for title, layers in charts.items())
        gr.HTML(
            "<h3>Channels of every layer</h3><p>Faint is what the original has, solid is what is "
            f'left. Point at a column for its numbers.</p><div class="figure-grid">{figures}</div>'
        )


def model_table(models: list[ModelFacts]) -> str:
    """What every model costs and how good it is; columns that nobody fills are left out."""
    scores = [score for score in SCORES if any(score in facts.scores for facts in models)]
    titles = ["Parameters, million", "Billion MACs at 512 by 512", "File, MB"]
    heads = "".join(f"<th>{title}</th>" for title in [*titles, *(SCORES[s] for s in scores)])
    return (
        f'<table class="numbers plain" id="models"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(_model_row(facts, scores) for facts in models)}</tbody></table>"
    )


def _model_row(facts: ModelFacts, scores: list[str]) -> str:
    card = facts.card
    sizes = [(card.parameters, 1e6), (card.macs, 1e9), (card.file_bytes, 1e6)]
    cells = [number(None if value is None else value / unit) for value, unit in sizes]
    cells += [_score(facts, score) for score in scores]
    body = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr><th>{escape(card.label)}</th>{body}</tr>"


def _score(facts: ModelFacts, score: str) -> str:
    value = facts.scores.get(score)
    if value is None or score == "latency_ms":
        return number(value)
    return f"{value:.4f}"
