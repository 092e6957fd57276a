"""What the exporter writes, and what it refuses. One export of a tiny network serves most tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from models import checkpoint
from models.modnet import MODNet
from models.widths import MODNetWidths
from pruner import export, manifest, parity
from pruner.errors import PrunerError
from pruner.onnx_graph import write_onnx
from pruner.openvino_ir import digest, infer
from stream.inference.model_files import find_model
from tests.pruner.networks import TINY, tiny_network
from tests.pruner.people import write_people

ROOT = Path(__file__).resolve().parents[2]


def shipped_like(widths: MODNetWidths = TINY, *, seed: int = 0) -> MODNet:
    """A float32 network whose weights are float16 numbers, as in a shipped checkpoint."""
    model = tiny_network(widths, seed=seed)
    return model.half().float()


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def torch_matte(model: MODNet, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    rgb = torch.from_numpy(bgr[None, ..., ::-1].transpose(0, 3, 1, 2).copy()).float()
    with torch.inference_mode():
        return model(rgb / 127.5 - 1).matte.numpy()[0, 0] * 255


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    checkpoint.save(shipped_like(), path)
    return path


@pytest.fixture(scope="module")
def exported(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an export under the name `pruned`, with ONNX and the file for the stick."""
    folder = tmp_path_factory.mktemp("exported")
    card = f"# Models\n\n{manifest.TABLE_BEGINS}\nold\n{manifest.TABLE_ENDS}\n\nthe end\n"
    (folder / "README.md").write_text(card)
    options = ["--weights", str(weights), "--name", "pruned", "--output-dir", str(folder)]
    options += ["--onnx", "--ncs2"]
    assert export.main(options) == 0
    return folder


@pytest.mark.parametrize("size_wh", [(64, 32), (96, 160)])
def test_the_ir_takes_bgr_bytes_of_any_size_and_gives_the_mattes_of_torch(
    exported: Path, weights: Path, size_wh: tuple[int, int]
) -> None:
    picture = noise(*size_wh)
    (alpha,) = infer(exported / "modnet_pruned.xml", [picture])
    expected = torch_matte(checkpoint.load(weights), picture)
    assert alpha.shape == expected.shape
    assert np.abs(alpha - expected).max() <= 0.51
    assert alpha.std() > 1


def test_the_ends_of_the_ir_are_named_and_of_8_bits(exported: Path) -> None:
    graph = ov.Core().read_model(exported / "modnet_pruned.xml")
    (image,), (alpha,) = graph.inputs, graph.outputs
    assert (image.names, image.element_type) == ({"image"}, ov.Type.u8)
    assert (alpha.names, alpha.element_type) == ({"alpha"}, ov.Type.u8)
    assert image.partial_shape == ov.PartialShape([1, -1, -1, 3])


def test_the_ir_tells_what_it_is_and_which_checkpoint_it_comes_from(exported: Path) -> None:
    graph = ov.Core().read_model(exported / "modnet_pruned.xml")
    info = {
        key: graph.get_rt_info(["matte", key]).astype(str)
        for key in ("arch", "norm", "widths", "preprocessing", "parent")
    }
    assert (info["arch"], info["norm"]) == ("MODNet", "IBNorm")
    assert MODNetWidths.from_json(info["widths"]) == TINY
    assert info["parent"] == digest(exported / "modnet_pruned.safetensors")
    assert "BGR" in info["preprocessing"]


def test_convolution_weights_take_two_bytes_each(exported: Path) -> None:
    parameters = sum(
        layer.weight.numel()
        for name, layer in MODNet(TINY).named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear) and ".conv_lr." not in name
    )
    assert (exported / "modnet_pruned.bin").stat().st_size < 3.5 * parameters


def test_the_manifest_lists_the_model_as_the_runtime_wants_it(exported: Path) -> None:
    listed = json.loads((exported / "manifest.json").read_text())
    assert listed["version"] == 1
    entry = listed["models"]["pruned"]
    assert (entry["title"], entry["precision"]) == ("MODNet-P", "FP16")
    assert entry["parameters"] == sum(p.numel() for p in MODNet(TINY).parameters())
    assert entry["macs"] > 1e6
    for name, file in listed["files"].items():
        assert file == {
            "sha256": digest(exported / name),
            "bytes": (exported / name).stat().st_size,
        }
    assert find_model("pruned", folder=exported).path == exported / "modnet_pruned.xml"


def test_the_model_card_gets_a_fresh_table_of_files_and_keeps_its_text(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    assert card.startswith("# Models")
    assert card.endswith("the end\n")
    assert digest(exported / "modnet_pruned.bin") in card
    assert "old" not in card


def test_nothing_but_the_files_is_left_behind(exported: Path) -> None:
    suffixes = ("safetensors", "xml", "bin", "onnx", "ncs2.xml", "ncs2.bin")
    stem = {f"modnet_pruned.{suffix}" for suffix in suffixes}
    assert {path.name for path in exported.iterdir()} == stem | {"manifest.json", "README.md"}


def test_the_sticks_files_are_listed_and_give_the_mattes_of_torch(
    exported: Path, weights: Path
) -> None:
    listed = json.loads((exported / "manifest.json").read_text())["files"]
    assert {"modnet_pruned.ncs2.xml", "modnet_pruned.ncs2.bin"} <= set(listed)
    network = ov.Core().read_model(exported / "modnet_pruned.ncs2.xml")
    network.reshape([1, 3, 32, 64])
    picture = noise(64, 32)
    blob = picture[None, ..., ::-1].transpose(0, 3, 1, 2) / np.float32(127.5) - 1
    compiled = ov.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = torch_matte(checkpoint.load(weights), picture)
    np.testing.assert_allclose(255 * compiled(blob)[0][0, 0], expected, atol=2.5)


def test_no_number_in_the_graph_counts_more_pixels_than_half_precision_can(exported: Path) -> None:
    graph = ov.Core().read_model(exported / "modnet_pruned.xml")
    counts = [
        node
        for node in graph.get_ops()
        if node.get_type_name() == "Convert"
        and node.get_input_element_type(0).is_integral_number()
        and node.get_output_element_type(0).is_real()
        and node.input_value(0).get_partial_shape().rank.get_length() == 0
    ]
    graph.add_outputs([node.output(0) for node in counts])
    compiled = ov.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    _, *values = compiled(noise(320, 288)[None]).values()
    assert values
    assert max(float(value) for value in values) <= 320


def test_onnx_takes_floats_of_any_size_and_says_so(exported: Path, weights: Path) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(exported / "modnet_pruned.onnx")
    assert {p.key for p in graph.metadata_props} == {"arch", "widths", "preprocessing"}
    samples = [noise(64, 32), noise(32, 96)]
    model = checkpoint.load(weights)
    assert parity.check_onnx(exported / "modnet_pruned.onnx", model, samples) < 1e-4


def test_old_runtimes_get_a_static_onnx_of_operator_set_11(weights: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    write_onnx(checkpoint.load(weights), tmp_path / "x.onnx", opset=11, size_wh=(96, 64))
    graph = onnx.load(tmp_path / "x.onnx")
    assert graph.opset_import[0].version == 11
    shape = graph.graph.input[0].type.tensor_type.shape
    assert [dimension.dim_value for dimension in shape.dim] == [1, 3, 64, 96]


def test_real_pictures_can_be_compared_on(exported: Path, weights: Path, tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", 17, size_wh=(90, 70))
    samples = parity.sample_pictures(people / "image")
    assert [sample.shape for sample in samples] == [(384, 512, 3)] * 6
    model = checkpoint.load(weights)
    small = [parity.fitted(sample, (96, 64)) for sample in samples]
    assert parity.check_ir(exported / "modnet_pruned.xml", model, small) <= 1


def test_a_file_that_computes_something_else_is_refused(exported: Path) -> None:
    other = shipped_like(seed=3)
    with pytest.raises(PrunerError, match=r"modnet_pruned\.xml: its mattes differ .* grey levels"):
        parity.check_ir(exported / "modnet_pruned.xml", other, parity.made_pictures())
    with pytest.raises(PrunerError, match=r"modnet_pruned\.onnx: its mattes differ"):
        parity.check_onnx(exported / "modnet_pruned.onnx", other, [noise(64, 64)])


@pytest.mark.parametrize(("levels", "is_refused"), [(3, False), (5, True)])
def test_rounding_is_allowed_for(
    exported: Path,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    levels: int,
    is_refused: bool,
) -> None:
    model, samples = checkpoint.load(weights), [noise(64, 64)]
    (exact,) = parity.infer(exported / "modnet_pruned.xml", samples)
    off = np.where(exact < 128, exact + levels, exact - levels)
    monkeypatch.setattr(parity, "infer", lambda *_: [off])
    with pytest.raises(PrunerError, match="allowed is 4") if is_refused else nullcontext():
        assert parity.check_ir(exported / "modnet_pruned.xml", model, samples) >= levels - 1


def test_what_is_refused_is_not_kept(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(parity, "IR_TOLERANCE", -1)
    options = ["--weights", str(weights), "--name", "x", "--output-dir", str(tmp_path)]
    assert export.main(options) == 1
    assert "error: x.xml" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_export_without_force_replaces_nothing(
    exported: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digest(exported / "modnet_pruned.xml")
    options = ["--weights", str(weights), "--name", "pruned", "--output-dir", str(exported)]
    assert export.main(options) == 2
    assert "--force" in capsys.readouterr().err
    assert digest(exported / "modnet_pruned.xml") == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "missing.safetensors", "--name", "x"], "missing.safetensors: no such file"),
        (["--weights", "x.safetensors", "--name", "../x"], "expected lower-case letters"),
    ],
)
def test_what_a_user_does_wrong_is_told_in_one_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.main([*options, "--output-dir", str(tmp_path)]) > 0
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_manifest_that_is_not_one_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": 7}')
    with pytest.raises(PrunerError, match="not a list of models of version 1"):
        manifest.read(tmp_path)


def test_nobody_is_told_that_openvino_or_nncf_is_used() -> None:
    code = (
        "import pruner.openvino_ir, nncf.telemetry, sys, openvino.tools.ovc as ovc\n"
        "print(type(ovc.telemetry).__module__, sys.modules['openvino_telemetry'])\n"
        "print(nncf.telemetry.telemetry.__module__ == 'unittest.mock')"
    )
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "None", "True"]
