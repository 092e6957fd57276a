"""From twenty pictures to a clip: what somebody new types, in order."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.pruner.people import write_people

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = """
python prune.py --ratio 0.5 --target-macs 3.66G --output out/pruned.safetensors
python -m pruner.train distil --weights out/pruned.safetensors --recalibrate \
    --teacher models/weights/modnet.safetensors --data DATA --val VAL \
    --epochs 2 --batch 4 --warmup 4 --output out/retrained
python -m pruner.evaluate --models original out/retrained/best.safetensors --data VAL \
    --sheet out/worst.png
python -m pruner.export --weights out/retrained/best.safetensors --name mine --output-dir out/mine
python run_stream.py --model out/mine/mine.xml --background blur --output out/mine.mp4
"""


def run(command: str, folder: Path) -> str:
    """Run a command as it is typed, but with `out/` and the data in another folder."""
    places = {"python": sys.executable, "DATA": str(folder / "data"), "VAL": str(folder / "val")}
    words = [places.get(word, word) for word in shlex.split(command)]
    words = [str(folder / word) if word.startswith("out/") else word for word in words]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_newcomer_prunes_retrains_scores_exports_and_runs(tmp_path: Path) -> None:
    write_people(tmp_path / "data", 16)
    write_people(tmp_path / "val", 4)
    prune, train, evaluate, export, stream = COMMANDS.strip().splitlines()

    assert "next, retrain it" in run(prune, tmp_path)

    run(train, tmp_path)
    log = (tmp_path / "out/retrained/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [0, 4, 8]

    table = run(evaluate, tmp_path)
    assert "original" in table
    assert "best.safetensors" in table
    assert (tmp_path / "out/worst.png").is_file()

    assert "to use it: --model out/mine/mine.xml" in run(export, tmp_path)
    manifest = json.loads((tmp_path / "out/mine/manifest.json").read_text())
    assert manifest["models"]["mine"]["macs"] <= 3.66e9

    run(stream, tmp_path)
    with av.open(str(tmp_path / "out/mine.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) > 10
