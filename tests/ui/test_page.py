from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import ENDPOINTS
from ui.page import page_css, page_js, page_theme

ROOT = Path(__file__).resolve().parents[2]


_INSPECT = """
import json, sys, tempfile
from pathlib import Path
from ui.page import build_page
from ui.workplace import Workplace

with tempfile.TemporaryDirectory() as folder:
    page = build_page(Workplace(Path(folder), weights=Path(sys.argv[1])))
info = page.get_api_info()
print(json.dumps({
    "named": list(info["named_endpoints"]),
    "unnamed": list(info["unnamed_endpoints"]),
    "places": [
        [f.api_name, f.name, f.concurrency_id, f.concurrency_limit] for f in page.fns.values()
    ],
    "models": [b.value for b in page.blocks.values() if str(b.elem_id).startswith("model-")],
    "loaded": list(sys.modules),
}))
"""


@pytest.fixture(scope="module")
def page(weights: Path) -> dict[str, Any]:
    """What is inside a page; built in a process of its own, as Gradio leaves loops open."""
    command = [sys.executable, "-c", _INSPECT, str(weights)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_every_action_has_a_named_endpoint_and_nothing_else_has(page: dict[str, Any]) -> None:
    assert set(page["named"]) == ENDPOINTS
    assert page["unnamed"] == []


def test_all_heavy_events_share_one_place(page: dict[str, Any]) -> None:
    heavy = {"preview", "compare", "frames", "convert", "live"}
    places = {name or function: place for name, function, *place in page["places"]}
    assert {name: places[name] for name in heavy} == {name: ["work", 1] for name in heavy}


def test_the_two_models_of_the_manifest_are_chosen(page: dict[str, Any]) -> None:
    assert page["models"] == ["original", "pruned"]


def test_the_page_never_loads_torch(page: dict[str, Any]) -> None:
    assert "gradio" in page["loaded"]
    assert not {"torch", "models", "pruner"} & set(page["loaded"])


def test_every_background_has_a_swatch() -> None:
    css = page_css()
    for name in ("evening", "city", "blur", "colour", "own file"):
        assert f'input[value="{name}"]) {{ --swatch:' in css


def test_nothing_is_fetched_from_elsewhere() -> None:
    style = page_css() + page_theme()._get_theme_css()
    assert "http" not in page_js()
    assert re.findall(r"url\(['\"]?https?:|@import", style) == []
    for name in ("player.js", "player.html"):
        assert "http" not in (ROOT / "ui" / name).read_text(encoding="utf-8")


def test_only_the_page_itself_knows_gradio() -> None:
    knows = set()
    for path in (ROOT / "ui").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import) and any(name.name == "gradio" for name in node.names):
                knows.add(path.name)
    tabs = {path.name for path in (ROOT / "ui").glob("tab_*.py")}
    assert knows == {
        "page.py",
        "compare_layout.py",
        "inputs.py",
        "stoppable.py",
        "visible_errors.py",
        *tabs,
    }


def test_help_waits_for_nothing() -> None:
    slow = "{'gradio', 'cv2', 'openvino'}"
    code = f"import sys, ui.__main__; sys.exit(bool({slow} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
