"""The page: a heading and four tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ui.stoppable import gone
from ui.swatches import swatch_css
from ui.tab_compare import CompareTab
from ui.tab_compression import build_compression_tab
from ui.tab_convert import ConvertTab
from ui.tab_live import LiveTab
from ui.workplace import Workplace

_HERE = Path(__file__).parent

_HEADING = (
    "<header><h1>MODNet-P</h1><p>People cut out of video on an ordinary processor: "
    "the original network and its pruned version, side by side.</p></header>"
)


def build_page(workplace: Workplace) -> Any:
    """Lay the page out.

    Args:
        workplace: Where its work is done.

    Returns:
        A `gradio.Blocks`, not launched.
    """
    keep_s = workplace.limits.keep_s
    with gr.Blocks(title="MODNet-P", delete_cache=(max(1, keep_s // 6), keep_s)) as page:
        gr.HTML(_HEADING)
        with gr.Tab("Compare", id="compare"):
            CompareTab(workplace)
        with gr.Tab("Convert", id="convert"):
            ConvertTab(workplace)
        with gr.Tab("Live", id="live"):
            LiveTab(workplace)
        with gr.Tab("Compression", id="compression"):
            build_compression_tab(workplace)
        page.unload(gone)
    return page


def page_css() -> str:
    """The page's style sheet."""
    return (_HERE / "page.css").read_text(encoding="utf-8") + swatch_css()


def page_js() -> str:
    """What the browser runs once at the start.

    Gradio complains of every upload that the browser cannot play, beside what the page itself says
    of it, and also where the models can read it very well. It is kept from hearing of them.
    """
    return """() => window.addEventListener("error", (event) => {
      if (event.target instanceof HTMLVideoElement) event.stopImmediatePropagation();
    }, true)"""


def page_theme() -> gr.themes.Base:
    """Neutral greys and one colour; fonts of the visitor's own system, so that none is fetched."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return gr.themes.Base(
        primary_hue="teal",
        secondary_hue="slate",
        neutral_hue="slate",
        radius_size="md",
        font=sans,
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        color_accent="*primary_700",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        button_cancel_background_fill="#b91c1c",
        button_cancel_background_fill_hover="#991b1b",
        button_cancel_text_color="white",
        block_shadow="none",
        block_label_text_weight="500",
    )
