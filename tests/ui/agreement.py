"""Measures a clip by the page and by the command, and shows the numbers side by side.

python -m tests.ui.agreement CLIP
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stream  # noqa: F401  first of all: it imports cv2, which must precede av
from stream.inference.model_setup import FILE_SIZE
from ui.choices import BLUR, BackgroundWish
from ui.handlers import Compared, compare
from ui.wishes import Wish
from ui.workplace import Workplace

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("original", "pruned")

Report = dict[str, Any]
"""What `stream.report.RunReport.to_json` writes."""


@dataclass(frozen=True)
class Measured:
    """One number, by the page and by the command."""

    name: str
    page: float
    command: float


def by_the_page(clip: Path, *, size: int) -> list[Report]:
    """Compare the models as the page does; the runs in the report that it offers."""
    wish = Wish(clip, BackgroundWish(BLUR, blur=0.5), MODELS, size=size)
    with tempfile.TemporaryDirectory() as folder:
        for step in compare(Workplace(Path(folder)), wish, stop=threading.Event()):
            if isinstance(step, Compared):
                told = json.loads(step.report.read_text(encoding="utf-8"))
    return [model["run"] for model in told["models"]]


def by_the_command(clip: Path, model: str, *, size: int) -> Report:
    """Run `run_stream.py --report`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "run_stream.py", "--input", str(clip)]
        command += ["--background", "blur:0.5", "--model", model, "--size", str(size)]
        command += ["--output", f"{folder}/out.mp4", "--report", str(report)]
        command += ["--requests", "1", "--quiet"]
        subprocess.run(command, cwd=ROOT, check=True)
        return dict(json.loads(report.read_text(encoding="utf-8")))


def measured(page: Report, command: Report) -> list[Measured]:
    """The numbers of two reports that are about the same thing."""
    return [
        Measured("frames per second", page["fps"], command["fps"]),
        Measured("network, ms", *(each["inference"]["median_ms"] for each in (page, command))),
        *(
            Measured(
                f"{stage}, ms", *(each["stages"][stage]["median_ms"] for each in (page, command))
            )
            for stage in page["stages"]
        ),
        Measured(
            "processor time per frame, ms",
            *(1e3 * each["cpu_s"] / each["frames_out"] for each in (page, command)),
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", type=int, default=FILE_SIZE)
    options = parser.parse_args()
    pages = by_the_page(options.clip.resolve(), size=options.size)
    for model, page in zip(MODELS, pages, strict=True):
        command = by_the_command(options.clip.resolve(), model, size=options.size)
        print(f"{model:<32}{'page':>10}{'command':>10}{'ratio':>8}")
        for each in measured(page, command):
            ratio = each.page / each.command
            print(f"  {each.name:<30}{each.page:>10.2f}{each.command:>10.2f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
