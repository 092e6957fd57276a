from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.checkpoint import CheckpointError, load, load_official, save
from models.modnet import MODNet
from models.widths import IBNWidth, MODNetWidths
from tests.models.published_modnet import MODNET, random_state

SMALL = replace(
    MODNetWidths(),
    hidden=(None, *[8] * 16),
    last=16,
    se=4,
    lr16x=IBNWidth(4, 4),
    hr4x=(IBNWidth(2, 3), IBNWidth(4, 4), IBNWidth(4, 4)),
)


@pytest.fixture(scope="module")
def small() -> MODNet:
    torch.manual_seed(0)
    return MODNet(SMALL).eval()


@pytest.fixture(scope="module")
def official() -> dict[str, Tensor]:
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in random_state(**MODNET).items()
    }


def assert_same_tensors(model: MODNet, state: dict[str, Tensor]) -> None:
    for name, tensor in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(tensor, state[name]), name


def rewrite(path: Path, header: dict[str, str], **changes: Tensor | None) -> Path:
    """Replace the header and some tensors of a saved file; None leaves one out."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors |= changes
    save_file({name: t for name, t in tensors.items() if t is not None}, path, header)
    return path


def test_what_is_saved_is_loaded_with_its_widths(small: MODNet, tmp_path: Path) -> None:
    save(small, tmp_path / "new" / "small.safetensors")
    again = load(tmp_path / "new" / "small.safetensors")
    assert again.widths == SMALL
    assert not again.training
    assert_same_tensors(again, small.state_dict())
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["small.safetensors"]


def test_half_precision_halves_the_file_and_loads_as_float32(small: MODNet, tmp_path: Path) -> None:
    full, half = tmp_path / "full.safetensors", tmp_path / "half.safetensors"
    save(small, full)
    save(small, half, half=True)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    again = load(half)
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
    assert_same_tensors(again, {n: t.half().float() for n, t in small.state_dict().items()})


def test_half_precision_keeps_variances_that_are_beyond_it(small: MODNet, tmp_path: Path) -> None:
    large = copy.deepcopy(small)
    statistics = large.lr_branch.conv_lr16x.layers[1].bnorm.running_var
    statistics[0] = 70_000
    save(large, tmp_path / "half.safetensors", half=True)
    again = load(tmp_path / "half.safetensors")
    assert torch.equal(again.lr_branch.conv_lr16x.layers[1].bnorm.running_var, statistics)


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_numbers_that_are_not_finite_are_refused_by_name(
    small: MODNet, tmp_path: Path, number: float
) -> None:
    broken = copy.deepcopy(small)
    broken.lr_branch.conv_lr16x.layers[1].bnorm.running_var[0] = number
    save(broken, tmp_path / "a.safetensors")
    message = r"a\.safetensors: tensor lr_branch\.conv_lr16x\.\S*running_var holds .* not finite"
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path / "a.safetensors")


def test_a_file_that_cannot_be_written_is_named(small: MODNet, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"a\.safetensors: cannot be written"):
        save(small, tmp_path / "file" / "a.safetensors")


def test_notes_stand_in_the_header(small: MODNet, tmp_path: Path) -> None:
    save(small, tmp_path / "a.safetensors", notes={"ratio": "0.5", "arch": "nonsense"})
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        header = file.metadata()
    assert header["ratio"] == "0.5"
    assert header["arch"] == "MODNet"


def test_a_header_without_widths_means_the_published_size(
    official: dict[str, Tensor], tmp_path: Path
) -> None:
    save_file(official, tmp_path / "plain.safetensors")
    assert load(tmp_path / "plain.safetensors").widths == MODNetWidths()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"arch": "U-Net"}, "expected arch MODNet, got U-Net"),
        ({"widths": "{"}, "the header's widths cannot be read"),
        ({"widths": '{"blocks": 3}'}, "the header's widths cannot be read"),
        ({"widths": '{"depth": 3}'}, "unknown names depth"),
        ({}, "should have shape"),
    ],
)
def test_a_wrong_header_is_refused_by_name(
    small: MODNet, tmp_path: Path, header: dict[str, str], message: str
) -> None:
    save(small, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=message) as caught:
        load(rewrite(tmp_path / "a.safetensors", header))
    assert "a.safetensors" in str(caught.value)


FC = "lr_branch.se_block.fc.0.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({FC: None}, f"tensor {FC} is missing"),
        (
            {FC: torch.zeros(4, 17)},
            rf"tensor {FC} should have shape \(4, 16\), got \(4, 17\)",
        ),
        ({"head.weight": torch.zeros(1)}, r"unknown tensor head.weight \(1 in all\)"),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    small: MODNet, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    save(small, tmp_path / "a.safetensors")
    path = rewrite(tmp_path / "a.safetensors", {"widths": SMALL.to_json()}, **changes)
    with pytest.raises(CheckpointError, match=message):
        load(path)


@pytest.mark.parametrize("read", [load, load_official])
def test_no_file_and_no_checkpoint_are_told_apart(read: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        read(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("no weights at all")
    with pytest.raises(CheckpointError, match=r"text\.ckpt: not a "):
        read(tmp_path / "text.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"cut\.ckpt: not a "):
        read(tmp_path / "cut.ckpt")


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("nested", [False, True])
def test_a_published_checkpoint_loads(
    official: dict[str, Tensor], tmp_path: Path, prefix: str, nested: bool
) -> None:
    """With the prefix of data-parallel training, and the backbone twice, as it is published."""
    state = {f"{prefix}{name}": tensor for name, tensor in official.items()}
    for name, tensor in official.items():
        if name.startswith("backbone."):
            state[f"{prefix}lr_branch.{name}"] = tensor
    torch.save({"state_dict": state} if nested else state, tmp_path / "modnet.ckpt")
    model = load_official(tmp_path / "modnet.ckpt")
    assert not model.training
    assert_same_tensors(model, official)


class Trap:
    """Unpickled without care, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_holds_code_is_refused_and_not_run(tmp_path: Path, zipped: bool) -> None:
    path, marker = tmp_path / "evil.ckpt", tmp_path / "marker"
    content = {"backbone": Trap(marker)}
    if zipped:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r"evil\.ckpt: not a checkpoint of tensors only"):
        load_official(path)
    assert not marker.exists()


@pytest.mark.parametrize("content", [{"epoch": 3}, [torch.zeros(1)], torch.zeros(1)])
def test_a_pickle_that_is_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="expected a state dict of tensors"):
        load_official(tmp_path / "a.ckpt")


def test_a_published_checkpoint_of_other_widths_says_so(tmp_path: Path, small: MODNet) -> None:
    torch.save(small.state_dict(), tmp_path / "small.ckpt")
    assert load_official(tmp_path / "small.ckpt", SMALL).widths == SMALL
    with pytest.raises(CheckpointError, match="should have shape"):
        load_official(tmp_path / "small.ckpt")
