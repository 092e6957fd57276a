"""Who may import whom, and a few things that nobody may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRAINING = {"torch", "models", "pruner", "nncf", "onnx", "onnxruntime", "safetensors"}
PAGE = {"ui", "gradio"}

FORBIDDEN: dict[str, set[str]] = {
    "run_stream.py": TRAINING | PAGE,
    "stream": TRAINING | PAGE | {"scipy", "matplotlib", "PIL"},
    "ui": TRAINING,
    "prune.py": PAGE | {"stream"},
    "models": PAGE | {"stream", "pruner", "cv2", "av", "openvino"},
    "pruner": PAGE,
}
"""What each part of the project must not import, not even inside a function."""

AT_THE_BOTTOM = ("errors", "frame", "threads", "stats")
"""The modules of `stream` that import no other."""

MAY_SCORE_A_STREAM = {
    *("clips.py", "evaluate_temporal.py", "export.py", "label.py", "predictors.py", "scoring.py"),
    "temporal_steps.py",
}
"""The modules of `pruner` that run what was exported."""

WORKER = ("stream", "ncs2", "worker")
"""A script for another interpreter."""

ONLY_ON_TOP = {"stream.pipeline", "stream.session", "stream.console", "stream.benchmark"}


def sources(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports at run time, also inside functions."""
    found: set[str] = set()
    for node in nodes(parse(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from nodes(node)


def calls(path: Path) -> Iterator[str]:
    """What a file calls, as it is written there."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("part", FORBIDDEN)
def test_no_part_imports_what_it_must_not_know(part: str) -> None:
    for path in sources(part):
        packages = {name.split(".")[0] for name in imports(path)}
        assert not packages & FORBIDDEN[part], path


@pytest.mark.parametrize("module", AT_THE_BOTTOM)
def test_the_modules_at_the_bottom_import_no_other_of_ours(module: str) -> None:
    path = ROOT / "stream" / f"{module}.py"
    assert not [name for name in imports(path) if name.startswith("stream")]


def test_only_the_scoring_of_an_export_joins_training_and_runtime() -> None:
    for path in sources("pruner"):
        uses_stream = any(name.split(".")[0] == "stream" for name in imports(path))
        assert not uses_stream or path.name in MAY_SCORE_A_STREAM, path


def test_no_stage_knows_the_pipeline_that_it_is_a_part_of() -> None:
    tops = {name.removeprefix("stream.") for name in ONLY_ON_TOP}
    for path in sources("stream"):
        if path.stem not in tops:
            assert not imports(path) & ONLY_ON_TOP, path


def test_threads_start_in_one_place_only() -> None:
    for part in ("stream", "run_stream.py"):
        for path in sources(part):
            starts = [name for name in calls(path) if name.split(".")[-1] in ("Thread", "Timer")]
            starts += [name for name in imports(path) if name.startswith("concurrent")]
            assert not starts or path.name == "threads.py", path


def test_nobody_sets_the_log_level_of_av_which_can_hang_on_a_damaged_video() -> None:
    for part in ("stream", "ui", "run_stream.py"):
        for path in sources(part):
            assert "set_level" not in {name.split(".")[-1] for name in calls(path)}, path


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def loaded_by_the_runtime() -> list[str]:
    """The modules that importing the whole runtime loads, in the order in which they came."""
    paths = [path for path in sources("stream") if not path.stem.startswith("__")]
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in paths]
    names = [".".join(each) for each in parts if each != WORKER]
    return run_python(
        f"import sys\nfor name in {names!r}: __import__(name)\nprint(*sys.modules)"
    ).split()


def test_the_runtime_never_loads_torch_or_gradio(loaded_by_the_runtime: list[str]) -> None:
    assert "stream.pipeline" in loaded_by_the_runtime
    assert not {"torch", "gradio", "models", "pruner", "nncf"} & set(loaded_by_the_runtime)


def test_cv2_is_loaded_before_av_or_its_windows_would_hang(
    loaded_by_the_runtime: list[str],
) -> None:
    assert loaded_by_the_runtime.index("cv2") < loaded_by_the_runtime.index("av")
