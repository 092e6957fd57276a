from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from stream.errors import ModelError
from stream.inference.model_files import find_model, model_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A manifest that lists one model of two files."""
    files = {"small.xml": b"<net/>", "small.bin": b"weights"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    manifest = {
        "version": 1,
        "models": {"pruned": {"title": "MODNet-P", "ir": "small.xml"}},
        "files": {n: {"sha256": hashlib.sha256(c).hexdigest()} for n, c in files.items()},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def test_a_model_is_found_by_its_name(folder: Path) -> None:
    model = find_model("pruned", folder=folder)
    assert (model.name, model.title, model.path) == ("pruned", "MODNet-P", folder / "small.xml")
    assert model_names(folder) == ("pruned",)


def test_a_name_that_nothing_has_is_refused_with_those_there_are(folder: Path) -> None:
    with pytest.raises(ModelError, match="no model is called 'prunned'") as caught:
        find_model("prunned", folder=folder)
    assert caught.value.hint is not None
    assert "pruned" in caught.value.hint


@pytest.mark.parametrize("name", ["small.xml", "small.bin"])
@pytest.mark.parametrize("by_path", [False, True], ids=["by name", "by path"])
def test_a_listed_file_with_one_bit_flipped_is_refused(
    folder: Path, name: str, by_path: bool
) -> None:
    content = bytearray((folder / name).read_bytes())
    content[3] ^= 1
    (folder / name).write_bytes(content)
    spec = folder / "small.xml" if by_path else "pruned"
    with pytest.raises(ModelError, match=f"{name}' is damaged: expected sha256 [0-9a-f]{{64}}"):
        find_model(spec, folder=folder)


def test_a_listed_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "small.bin").unlink()
    with pytest.raises(ModelError, match=r"small\.bin': No such file"):
        find_model("pruned", folder=folder)


def test_ones_own_model_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.xml"
    own.write_text("<net/>")
    own.with_suffix(".bin").write_bytes(b"")
    assert find_model(str(own), folder=folder).path == own


@pytest.mark.parametrize("missing", [".xml", ".bin"])
def test_ones_own_model_needs_both_its_files(folder: Path, missing: str) -> None:
    own = folder / "own.xml"
    for suffix in {".xml", ".bin"} - {missing}:
        own.with_suffix(suffix).write_bytes(b"")
    with pytest.raises(ModelError, match=f"no model file '.*own{missing}'"):
        find_model(own, folder=folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}'])
def test_a_manifest_that_cannot_be_read_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"list of models"):
        find_model("pruned", folder=folder)


def test_the_models_that_come_with_the_project_are_whole() -> None:
    for name in model_names():
        assert find_model(name).name == name
