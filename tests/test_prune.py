"""The command, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

import prune
from models.checkpoint import load, save
from models.modnet import MODNet
from tests.pruner.networks import TINY, tiny_network

ROOT = Path(prune.__file__).parent


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save(tiny_network(TINY).float(), path, half=True)
    return path


def run(*arguments: object) -> int:
    return prune.main([str(argument) for argument in arguments])


def last_filters(path: Path) -> Tensor:
    return load(path).backbone.model.features[18][0].weight


def test_it_prunes_tells_and_writes(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, report = tmp_path / "new" / "small.safetensors", tmp_path / "report.json"
    picture = tmp_path / "widths.png"
    assert (
        run(
            *("--weights", weights, "--output", output, "--ratio", 0.5, "--threshold", 0.25),
            *("--report", report, "--picture", picture),
        )
        == 0
    )
    model = load(output)
    printed = capsys.readouterr().out
    data = json.loads(report.read_text())
    parameters = sum(p.numel() for p in model.parameters())
    assert 8 <= model.widths.last < TINY.last
    assert data["after"]["cost"]["parameters"] == parameters
    assert data["after"]["file_bytes"] == output.stat().st_size < weights.stat().st_size
    assert data["groups"]["last"] == {
        "branch": "backbone",
        "before": 24,
        "after": model.widths.last,
    }
    assert picture.read_bytes().startswith(b"\x89PNG")
    for piece in ("blocks[3:6]", "parameters", "MACs at 512 x 512", f"wrote {output}"):
        assert piece in printed
    assert f"python -m pruner.train semantic --weights {output} --recalibrate" in printed
    assert "python -m pruner.train finetune --weights out/semantic/best.safetensors" in printed


def test_the_weights_are_carried_over_exactly_and_the_header_tells_how(
    weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "small.safetensors"
    assert run("--weights", weights, "--output", output, "--keep", "last=6") == 0
    assert last_filters(output).shape[0] == 6
    assert torch.isin(last_filters(output), last_filters(weights)).all()
    with safe_open(output, framework="pt") as file:
        header = file.metadata()
        assert file.get_tensor("f_branch.conv_f.1.layers.0.bias").dtype == torch.float16
    assert header["pruned_from"] == "tiny.safetensors"
    assert (header["ratio"], header["threshold"], header["importance"]) == ("0.5", "0.5", "l1")


def test_the_published_command_works_as_typed(weights: Path, tmp_path: Path) -> None:
    official = tmp_path / "modnet.ckpt"
    torch.save({f"module.{k}": v for k, v in MODNet().state_dict().items()}, official)
    outputs = []
    for replace in ("True", "False"):
        outputs.append(tmp_path / f"{replace}.safetensors")
        assert (
            run(
                *("--ckpt_path", official, "--ratio", "0.5", "--threshold", "0.5"),
                *("--weight_replace", replace, "--verbose", "False", "--output", outputs[-1]),
            )
            == 0
        )
    inherited, fresh = map(load, outputs)
    assert inherited.widths == fresh.widths
    name = "lr_branch.se_block.fc.0.weight"
    assert not torch.equal(inherited.state_dict()[name], fresh.state_dict()[name])
    original = torch.load(official, weights_only=True)[f"module.{name}"].flatten()
    assert torch.isin(inherited.state_dict()[name], original).all()
    assert not torch.isin(fresh.state_dict()[name], original).all()


def test_a_target_is_met_and_what_was_found_is_told(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "small.safetensors"
    assert run("--weights", weights, "--output", output, "--target-params", "25k") == 0
    assert sum(p.numel() for p in load(output).parameters()) <= 25_000
    assert "ratio 0." in capsys.readouterr().out


def test_an_impossible_target_is_one_line_that_says_what_is_possible(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "small.safetensors"
    assert run("--weights", weights, "--output", output, "--target-macs", "1k") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: MACs: 1e-06 G is out of reach; with these options 0.")
    assert error.count("\n") == 1
    assert not output.exists()


def test_latency_is_measured_when_asked_for(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fake(model: MODNet, **_: object) -> float:
        return float(model.widths.last)

    monkeypatch.setattr("pruner.latency.measure_latency", fake)
    output = tmp_path / "small.safetensors"
    assert run("--weights", weights, "--output", output, "--latency", "--keep", "last=12") == 0
    printed = capsys.readouterr().out
    assert "24.00 ms" in printed
    assert "12.00 ms" in printed


def test_nothing_is_replaced_unless_forced(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "small.safetensors"
    output.write_text("precious")
    assert run("--weights", weights, "--output", output) == 2
    assert capsys.readouterr().err == (
        f"error: {output} exists: choose another name, or --force replaces it\n"
    )
    assert output.read_text() == "precious"
    assert run("--weights", weights, "--output", output, "--force") == 0
    assert load(output).widths != TINY


def test_the_input_is_never_replaced(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = weights.read_bytes()
    assert run("--weights", weights, "--output", weights, "--force") == 1
    assert "is the network to be pruned" in capsys.readouterr().err
    assert weights.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--ratio", "1"], 2, "ratio: expected a share in [0, 1), got 1"),
        (["--threshold", "2"], 2, "threshold: expected a number in [0, 1], got 2"),
        (["--keep", "frist=3"], 2, "keep: no group 'frist'; there are stem, "),
        (["--importance", "taylor"], 2, "needs pictures with mattes: --data DIR"),
        (["--ratio", ".5", "--threshold", ".5", "--target-macs", "1G"], 2, "something to search"),
        (["--prune-info", "none.json"], 1, "none.json: No such file"),
        (["--weights", "none.safetensors"], 1, "none.safetensors: no such file"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    output = tmp_path / "small.safetensors"
    assert run("--weights", weights, "--output", output, *arguments) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target-macs", "many"], "expected a number like 3.6G or 1.34M, got 'many'"),
        (["--target-macs", "-3"], "expected"),
        (["--keep", "last"], "expected GROUP=COUNT, like last=320, got 'last'"),
        (["--weight_replace", "maybe"], "expected True or False, got 'maybe'"),
        (["--size", "500x512"], "multiples of 32, like 512x288, got '500x512'"),
        (["--output", "small.ckpt"], "expected a .safetensors file, got 'small.ckpt'"),
        (["--importance", "l3"], "invalid choice"),
    ],
)
def test_an_option_that_cannot_be_read_is_a_usage_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import sys, prune\n"
        "try: prune.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'cv2'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "--target-latency" in done.stdout
