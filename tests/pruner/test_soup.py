from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import checkpoint
from models.modnet import MODNet
from pruner.soup import main
from tests.pruner.networks import SLIM, TINY, tiny_network


def written(path: Path, network: MODNet) -> str:
    checkpoint.save(network, path)
    return str(path)


def test_weights_and_statistics_are_the_mean(tmp_path: Path) -> None:
    networks = [tiny_network(TINY).float() for _ in range(3)]
    for index, network in enumerate(networks):
        with torch.no_grad():
            for value in network.state_dict().values():
                if value.is_floating_point():
                    value.mul_(1 + index)
    files = [written(tmp_path / f"{i}.safetensors", n) for i, n in enumerate(networks)]
    assert main([*files, "--output", str(tmp_path / "out" / "mean.safetensors")]) == 0
    mean = checkpoint.load(tmp_path / "out" / "mean.safetensors").state_dict()
    for name, value in mean.items():
        if value.is_floating_point():
            expected = sum(network.state_dict()[name] for network in networks) / 3
            torch.testing.assert_close(value, expected)


def test_networks_of_other_widths_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = written(tmp_path / "a.safetensors", tiny_network(TINY))
    second = written(tmp_path / "b.safetensors", tiny_network(SLIM))
    output = tmp_path / "mean.safetensors"
    assert main([first, second, "--output", str(output)]) == 1
    assert "b.safetensors: has other widths than" in capsys.readouterr().err
    assert not output.exists()


def test_one_file_has_no_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = written(tmp_path / "a.safetensors", tiny_network(TINY))
    assert main([first, "--output", str(tmp_path / "mean.safetensors")]) == 1
    assert "expected two files or more" in capsys.readouterr().err


def test_a_mean_replaces_nothing_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "a.safetensors", tiny_network(TINY))
    before = Path(file).read_bytes()
    assert main([file, file, "--output", file]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert Path(file).read_bytes() == before
    assert main([file, file, "--output", file, "--force"]) == 0
