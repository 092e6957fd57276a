"""Nothing leaves the machine: OpenVINO's telemetry never starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.tiny_ir import write_tiny_ir

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import sys, threading
import run_stream
seen = set()
def watch(*_):
    seen.update(thread.name for thread in threading.enumerate())
threading.setprofile(watch)  # called again and again in every thread of ours
code = run_stream.main(sys.argv[1:])
threading.setprofile(None)
print(*sorted(seen))
print(*sorted(thread.name for thread in threading.enumerate()))
print(*sorted(name for name, module in sys.modules.items() if "telemetry" in name and module))
raise SystemExit(code)
"""


def lines_of(*arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_a_run_has_our_threads_only_and_ends_them(tmp_path: Path) -> None:
    tiny = str(write_tiny_ir(tmp_path / "tiny.xml"))
    options = ["--model", tiny, "--size", "32", "--max-frames", "3", "--output", "none", "--quiet"]
    during, after, loaded, _ = lines_of(RUN, *options)
    assert during.split() == ["MainThread", "capture", "composite", "matting"]
    assert after == "MainThread"
    assert "openvino_telemetry" not in loaded


def test_no_module_of_the_runtime_starts_the_telemetry() -> None:
    names = [path.stem for path in (ROOT / "stream").glob("*.py") if path.stem != "__init__"]
    code = f"""
import sys, threading
for name in {sorted(names)!r}: __import__("stream." + name)
print("openvino" in sys.modules, sys.modules["openvino_telemetry"], threading.active_count())
"""
    assert lines_of(code)[0] == "True None 1"
