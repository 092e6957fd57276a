"""What visitors leave behind does not stay."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.clips import make_clip
from tests.ui.serving import PATIENCE_S, served_page, wait_until


def test_what_a_visitor_brought_is_deleted_when_it_is_old(weights: Path, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "mine.mp4")
    with served_page(weights, tmp_path, keep_s=1) as page:
        files = {"files": ("mine.mp4", clip.read_bytes())}
        answer = httpx.post(f"{page.url}gradio_api/upload", files=files, timeout=PATIENCE_S)
        (stored,) = answer.json()
        wait_until(lambda: not Path(stored).exists())
        # The sample that the page begins with is everybody's.
        assert list(page.uploads.rglob("clip.mp4"))
