"""Which model files there are, and whether they are what was published."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.errors import ModelError
from stream.paths import reading

WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "weights"
"""The models that come with the project, and `manifest.json`, which lists them."""


@dataclass(frozen=True)
class ModelFile:
    """An OpenVINO model on disk.

    Attributes:
        name: What `--model` calls it, or the file's name.
        title: What people call it.
        path: The `.xml`; the weights lie beside it in the `.bin` of the same name.
    """

    name: str
    title: str
    path: Path


def model_names(folder: Path = WEIGHTS) -> tuple[str, ...]:
    """The names that `find_model` knows."""
    return tuple(_read_manifest(folder)["models"])


def find_model(spec: str | Path, *, folder: Path = WEIGHTS) -> ModelFile:
    """Find a model by its name in the manifest or by its path.

    Every file that the manifest lists must have the digest stated there. Other `.xml` files are
    taken as they are.

    Raises:
        ModelError: No such model, or a listed file is missing or damaged.
    """
    manifest = _read_manifest(folder)
    models, files = manifest["models"], manifest["files"]
    if str(spec) in models:
        entry = models[str(spec)]
        model = ModelFile(str(spec), entry["title"], folder / entry["ir"])
        _check(model.path, files)
        return model
    path = Path(spec)
    if path.suffix != ".xml":
        raise ModelError(
            f"no model is called '{spec}'",
            hint=f"there are {', '.join(models)}; or give the path of an OpenVINO .xml file",
        )
    for part in (path, path.with_suffix(".bin")):
        with reading(part, ModelError):
            is_file = part.is_file()
        if not is_file:
            raise ModelError(f"no model file '{part}'", hint="a model is an .xml with its .bin")
    if path.resolve().parent == folder and path.name in files:
        _check(path, files)
    return ModelFile(path.name, path.stem, path)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read the list of models: {error}", hint=_restore(path)) from error
    if not isinstance(manifest, dict) or manifest.get("version") != 1:
        raise ModelError(f"'{path}' is not a list of models of version 1", hint=_restore(path))
    return manifest


def _check(path: Path, files: Mapping[str, Mapping[str, str]]) -> None:
    """Compare the digests of a model's two files with the manifest.

    OpenVINO loads weights with a flipped bit without a word, so this is the only check there is.
    """
    for part in (path, path.with_suffix(".bin")):
        try:
            with part.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(
                f"cannot read the model file '{part}': {error.strerror}", hint=_restore(part)
            ) from error
        expected = files[part.name]["sha256"]
        if digest != expected:
            raise ModelError(
                f"the model file '{part}' is damaged: expected sha256 {expected}, got {digest}",
                hint=_restore(part),
            )


def _restore(path: Path) -> str:
    return f"restore it with `git checkout -- {path}`"
