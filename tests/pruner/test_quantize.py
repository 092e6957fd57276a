"""What the quantiser writes, and what it refuses. One run on a tiny network serves most tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from models import checkpoint
from pruner import export, quant_graph, quantize
from pruner.data import pictures
from pruner.openvino_ir import digest, infer, to_ir
from pruner.quant_check import Check, Errors, Sample, check_against_float
from pruner.quant_graph import convolutions
from stream.frame import Image
from stream.inference.model_files import find_model
from stream.matting import MattePredictor
from tests.pruner.networks import tiny_network
from tests.pruner.people import person, write_people

INT8 = "modnet_pruned_int8.xml"


def options(folder: Path, data: Path, *more: str) -> list[str]:
    required = ["--name", "pruned", "--data", str(data), "--output-dir", str(folder)]
    return [*required, "--size", "64", "--subset", "4", *more]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("people"), 6, size_wh=(64, 96))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    checkpoint.save(tiny_network().half().float(), folder / "tiny.safetensors")
    weights = ["--weights", str(folder / "tiny.safetensors"), "--output-dir", str(folder)]
    assert export.main([*weights, "--name", "pruned"]) == 0
    return folder


@pytest.fixture(scope="module")
def quantized(exported: Path, people: Path) -> Path:
    """The same folder, with the 8-bit model and the report of it."""
    # A network of random weights is nothing to measure a loss by.
    report = exported / "report.json"
    more = ["--val", str(people), "--max-drop", "1", "--json", str(report)]
    assert quantize.main(options(exported, people, *more)) == 0
    return exported


def scene(width: int, height: int) -> Image:
    image, _ = person((width, height))
    return np.ascontiguousarray(image[..., ::-1])


def test_the_8_bit_model_takes_pictures_of_any_size_and_gives_nearly_the_same_mattes(
    quantized: Path,
) -> None:
    scenes = [scene(64, 96), scene(128, 64)]
    float_mattes = infer(quantized / "modnet_pruned.xml", scenes)
    for found, expected in zip(infer(quantized / INT8, scenes), float_mattes, strict=True):
        assert found.shape == expected.shape
        assert np.abs(found.astype(int) - expected).mean() < 6


def test_norms_and_the_first_and_last_layers_stay_float_and_the_others_do_not(
    quantized: Path,
) -> None:
    graph = ov.Core().read_model(quantized / INT8)
    int8, floats = convolutions(graph)
    assert len(int8) > len(floats)
    assert all(".features.0." in n or ".features.1." in n or ".head" in n for n in floats), floats
    assert sum(".head" in name for name in int8) == 2
    assert sum(".head" in name for name in floats) == 7
    quantizers = [n for n in graph.get_ops() if n.get_type_name() == "FakeQuantize"]
    left = {"ReduceMean", "ReduceL2", "Subtract", "MatMul"}
    for node in quantizers:
        for target in node.output(0).get_target_inputs():
            assert target.get_node().get_type_name() not in left


def test_weights_take_one_byte_each(quantized: Path) -> None:
    graph = ov.Core().read_model(quantized / INT8)
    bytes_ = [n for n in graph.get_ops() if n.get_output_element_type(0) == ov.Type.i8]
    assert len(bytes_) >= len(convolutions(graph)[0])


def test_the_8_bit_model_tells_what_the_float_one_tells(quantized: Path) -> None:
    def info(name: str) -> dict[str, str]:
        graph = ov.Core().read_model(quantized / name)
        keys = ("arch", "norm", "widths", "preprocessing", "parent")
        return {key: graph.get_rt_info(["matte", key]).astype(str) for key in keys}

    assert info(INT8) == info("modnet_pruned.xml")
    assert info(INT8)["parent"] == digest(quantized / "modnet_pruned.safetensors")


def test_the_manifest_lists_it_beside_the_float_one(quantized: Path) -> None:
    listed = json.loads((quantized / "manifest.json").read_text())
    before, entry = listed["models"]["pruned"], listed["models"]["pruned-int8"]
    changed = {"title": "MODNet-P INT8", "ir": INT8, "precision": "INT8"}
    assert entry == before | changed
    assert find_model("pruned-int8", folder=quantized).path == quantized / INT8
    assert {path.suffix for path in quantized.iterdir()} <= {
        ".json",
        ".safetensors",
        ".xml",
        ".bin",
    }


def test_the_report_has_scores_of_both_and_how_far_the_mattes_moved(quantized: Path) -> None:
    report = json.loads((quantized / "report.json").read_text())
    assert set(report["scores"]) == {"pruned", "pruned-int8"}
    assert 0 < report["grey_levels"]["mean"] < report["grey_levels"]["max"]
    assert report["int8_convolutions"]


def test_the_runtime_mattes_with_it(quantized: Path) -> None:
    alpha = MattePredictor(quantized / INT8, size=64, threads=1).predict(scene(70, 90))
    assert alpha.shape == (90, 70)


def test_without_true_mattes_the_float_ones_are_the_measure(exported: Path, people: Path) -> None:
    graph = to_ir(tiny_network().half().float(), half=False)
    check = check_against_float(graph, pictures(people / "image"), 64)
    compiled = ov.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert check(compiled, check.samples) == (1, [1] * 6)
    expected = infer(exported / "modnet_pruned.xml", [check.samples[0].picture[0]])[0]
    assert np.abs(check.samples[0].truth.astype(int) - expected).max() <= 1


def test_a_network_none_of_whose_layers_can_take_8_bits_is_told_in_one_line(
    exported: Path,
    people: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(quant_graph, "to_int8", lambda graph, *_, **__: graph)
    asked = options(exported, people / "image", "--output-name", "new")
    assert quantize.main(asked) == 1
    assert "no layer of pruned can be of 8 bits within --max-drop 0.005" in capsys.readouterr().err
    assert not (exported / "new.xml").exists()


def test_the_loss_is_the_larger_growth_of_two_errors() -> None:
    check = Check([], Errors(mse=0.1, mad=0.2))
    assert check.loss([Errors(0.1, 0.2)]) == 0
    assert check.loss([Errors(0.11, 0.2), Errors(0.11, 0.2)]) == pytest.approx(0.1)
    assert check.loss([Errors(0.1, 0.3)]) == pytest.approx(0.5)
    assert Check([], None).loss([Errors(0.1, 0.3), Errors(0.1, 0.1)]) == pytest.approx(0.2)


def test_nncf_is_told_that_less_loss_is_better() -> None:
    picture = np.zeros((1, 2, 2, 3), np.uint8)
    sample = Sample(picture, np.full((2, 2), 255, np.uint8))

    def half_wrong(_: object) -> list[np.ndarray]:
        return [np.array([[[[255, 255], [0, 0]]]], np.uint8)]

    metric, each = Check([sample], None)(half_wrong, [sample])  # type: ignore[arg-type]
    assert (metric, each) == (0.5, [0.5])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--name", "other"], "no model 'other'"),
        (["--name", "pruned-int8"], "pruned-int8 is INT8 already"),
        (["--data", "nowhere"], "nowhere: no such folder"),
        ([], "--force replaces it"),
    ],
)
def test_what_a_user_does_wrong_is_told_in_one_line(
    quantized: Path,
    people: Path,
    changed: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = ["--output-name", "new"] if changed else []
    assert quantize.main(options(quantized, people, *new, *changed)) > 0
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_without_pictures_is_told_in_one_line(
    quantized: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quantize.main(options(quantized, tmp_path, "--output-name", "new")) == 1
    assert "no pictures" in capsys.readouterr().err
