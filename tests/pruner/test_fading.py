from pathlib import Path

import pytest
import torch
from torch import nn

from models import checkpoint
from models.modnet import IBNorm
from pruner import train
from pruner.data import pairs
from pruner.fading import Fade, fading, foldable, new_norms
from pruner.openvino_ir import infer, to_ir
from pruner.recalibration import estimate
from tests.pruner.networks import TINY, tiny_network
from tests.pruner.people import write_people


def picture() -> torch.Tensor:
    return torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)).clamp(-1, 1)


@torch.no_grad()
def test_before_it_fades_a_foldable_network_is_the_network() -> None:
    model = tiny_network().float()
    with fading(converted := foldable(model).eval(), model.widths):
        assert torch.allclose(converted(picture()).matte, model(picture()).matte, atol=1e-6)


@torch.no_grad()
def test_what_has_faded_no_longer_looks_at_the_statistics_of_a_picture() -> None:
    model = tiny_network().float()
    converted = foldable(model).eval()
    alone = converted(picture()).matte
    assert not torch.allclose(alone, model(picture()).matte, atol=1e-3)
    with fading(converted, model.widths) as fade:
        fade.at(1.0)
        assert torch.equal(converted(picture()).matte, alone)


@torch.no_grad()
def test_half_way_each_channel_is_half_of_both() -> None:
    model = tiny_network().float()
    name, norm = next((n, m) for n, m in model.f_branch.named_modules() if isinstance(m, IBNorm))
    converted = foldable(model).eval()
    layer = converted.f_branch.get_submodule(name)
    x = torch.randn(1, norm.bnorm.num_features + norm.inorm.num_features, 4, 4)
    with fading(converted, model.widths) as fade:
        fade.share = 0.5
        mixed = layer(x)
    assert torch.allclose(mixed, (norm(x) + layer(x)) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("done", "share"), [(0.0, 1.0), (0.1, 1.0), (0.3, 0.5), (0.5, 0.0), (1.0, 0.0)]
)
def test_the_share_of_the_instance_norms_goes_down_to_nothing(done: float, share: float) -> None:
    fade = Fade()
    fade.at(done)
    assert fade.share == pytest.approx(share)


def test_new_norms_start_with_the_statistics_of_pictures_and_no_other_norm_changes(
    tmp_path: Path,
) -> None:
    model = tiny_network().float()
    converted = foldable(model)
    new = [norm.bnorm for norm in new_norms(converted, model.widths)]
    assert 0 < len(new) < sum(isinstance(m, IBNorm) for m in converted.modules())
    others = [m for m in converted.modules() if isinstance(m, nn.BatchNorm2d) and m not in new]
    before = [norm.running_var.clone() for norm in others]
    estimate(new, converted, pairs(write_people(tmp_path, 2)))
    assert all(float(norm.running_mean.abs().max()) > 0 for norm in new)
    assert all(torch.equal(norm.running_var, old) for norm, old in zip(others, before, strict=True))
    assert {norm.momentum for norm in new} == {0.1}
    assert not converted.training


def test_the_command_leaves_a_network_that_folds_into_convolutions(tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", 4)
    checkpoint.save(tiny_network(TINY).float(), tmp_path / "tiny.safetensors")
    output = tmp_path / "run"
    options = ["--data", str(people), "--output", str(output), "--epochs", "2", "--batch", "2"]
    options += ["--sizes", "64", "--val-size", "64", "--workers", "0", "--accelerator", "cpu"]
    assert train.main(["fold", "--weights", str(tmp_path / "tiny.safetensors"), *options]) == 0
    made = checkpoint.load(output / "best.safetensors")
    assert made.widths.f.instance == 0
    assert made.widths.f.total == TINY.f.total
    graph = to_ir(made)
    normed = [n.get_friendly_name() for n in graph.get_ops() if n.get_type_name() == "ReduceL2"]
    assert normed
    assert all("lr_branch" in name for name in normed)
    assert infer(graph, [(picture()[0].permute(1, 2, 0).numpy() * 127 + 128).astype("uint8")])
