"""The published pruning code's JSON and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.checkpoint import CheckpointError, save
from models.modnet import MODNet
from models.widths import IBNWidth, MODNetWidths
from pruner.errors import PrunerError
from pruner.published import load_network, read_widths
from pruner.surgery import prune
from tests.models.published_modnet import forward, random_state
from tests.pruner.networks import TINY, tiny_image

INFO: dict[str, Any] = {
    "ratio": 0.7,
    "threshold": 0.5,
    "new_cfg": [8, 8, 8, 16, 8, 8, 16, 8, 8, 8, 1, 8, 8, 16, 8, 24, 24, 8, 40],
    "new_expansion_cfg": [1, 2, 3, 2, 1, 2, 2, 1, 3, 2, 2, 6, 2, 1, 2, 1, 2],
    "new_lr_channels": [32, 8],
    "new_hr_channels": [8, 16],
    "new_f_channels": [32],
}
"""As its main_prune.py writes it, made up: widths equal by chance, expansions of 1, odd halves."""


@pytest.fixture
def state() -> dict[str, Tensor]:
    return random_state(INFO["new_cfg"], INFO["new_expansion_cfg"], lr16x=8, hr=9, wrapped=True)


def write(folder: Path, info: object, name: str = "modnet_p.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(info, separators=(",", ":")))
    return path


def test_the_json_becomes_widths(tmp_path: Path) -> None:
    widths = read_widths(write(tmp_path, INFO))
    assert widths.stem == 8
    assert widths.blocks == tuple(INFO["new_cfg"][1:18])
    assert widths.hidden[:6] == (None, 16, 24, 32, None, 16)
    assert (widths.last, widths.se) == (40, 10)
    assert widths.lr16x == IBNWidth(4, 4)
    assert widths.lr8x == IBNWidth(16, 16)
    assert widths.enc2x == widths.f2x == IBNWidth(4, 5)  # int(32 * (1 - 0.7)) is 9
    assert widths.hr4x == (IBNWidth(9, 9), IBNWidth(9, 9), IBNWidth(4, 5))
    assert widths.f == IBNWidth(2, 2)


def test_an_input_is_added_wherever_stride_and_widths_allow_it(tmp_path: Path) -> None:
    widths = read_widths(write(tmp_path, INFO))
    assert [i for i, residual in enumerate(widths.residual) if residual] == [0, 4, 7, 8, 11, 15]


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_published_pruned_checkpoint_computes_what_it_computed_there(
    state: dict[str, Tensor], tmp_path: Path, prefix: str
) -> None:
    double = {f"{prefix}{name}": tensor for name, tensor in state.items()}
    for name, tensor in state.items():
        if name.startswith("backbone."):
            double[f"{prefix}lr_branch.{name}"] = tensor
    torch.save(double, tmp_path / "modnet_p.ckpt")
    write(tmp_path, INFO)
    model = load_network(tmp_path / "modnet_p.ckpt").double()
    exact = {n: t.float().double() if t.is_floating_point() else t for n, t in state.items()}
    expected = forward(exact, tiny_image(64))
    output = model(tiny_image(64), heads=True)
    assert float(expected.matte.std()) > 0.01
    for got, want in zip((output.semantic, output.detail, output.matte), expected, strict=True):
        assert float((got - want).abs().max()) < 1e-5


def test_such_a_network_can_be_pruned_further(state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "modnet_p.ckpt")
    model = load_network(tmp_path / "modnet_p.ckpt", write(tmp_path, INFO, "elsewhere.json"))
    smaller = prune(model, {"stem+blocks[0]": torch.arange(4), "last": torch.arange(8)})
    assert smaller.widths.stem == smaller.widths.blocks[0] == 4


@torch.no_grad()
def test_every_kind_of_weights_file_loads(tmp_path: Path) -> None:
    model = MODNet(TINY).eval()
    save(model, tmp_path / "tiny.safetensors")
    assert load_network(tmp_path / "tiny.safetensors").widths == TINY
    torch.save(MODNet().state_dict(), tmp_path / "modnet.pth")
    assert load_network(tmp_path / "modnet.pth").widths == MODNetWidths()


def test_a_checkpoint_without_its_json_is_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(state, tmp_path / "lonely.ckpt")
    with pytest.raises(CheckpointError, match="should have shape"):
        load_network(tmp_path / "lonely.ckpt")
    with pytest.raises(CheckpointError, match="no such file"):
        load_network(tmp_path / "none.ckpt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"new_cfg": [8] * 18}, "expected 19 outputs and 17 expansions, got 18 and 17"),
        ({"new_expansion_cfg": [1] * 19}, "got 19 and 19"),
        ({"new_hr_channels": [8, 8]}, r"should be \[8, 16, 32\], got \[8, 8, 32\]"),
        ({"new_lr_channels": [32]}, "not the pruning code's channel counts"),
        ({"new_lr_channels": 32}, "not the pruning code's channel counts"),
        ({"new_expansion_cfg": [1, 0, *[2] * 15]}, "a width of zero"),
        ({"ratio": 0.99}, "a width of zero"),
        ({"ratio": "half"}, "not the pruning code's channel counts"),
        ({"ratio": None}, "not the pruning code's channel counts"),
    ],
)
def test_counts_that_make_no_network_are_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(PrunerError, match=message) as caught:
        read_widths(write(tmp_path, INFO | change))
    assert "modnet_p.json" in str(caught.value)


@pytest.mark.parametrize("name", [name for name in INFO if name != "threshold"])
def test_a_missing_name_is_named(tmp_path: Path, name: str) -> None:
    info = {key: value for key, value in INFO.items() if key != name}
    with pytest.raises(PrunerError, match=f"'{name}' is missing"):
        read_widths(write(tmp_path, info))


def test_a_file_that_is_no_such_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrunerError, match=r"none\.json: No such file"):
        read_widths(tmp_path / "none.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(PrunerError, match=r"a\.json: not JSON"):
        read_widths(tmp_path / "a.json")
    with pytest.raises(PrunerError, match="channel counts"):
        read_widths(write(tmp_path, [1, 2]))
