"""The list of the models in a folder, and the digest of every file: `manifest.json`.

What the runtime loads it checks against this list; see `stream.inference.model_files`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pruner.errors import PrunerError
from pruner.openvino_ir import digest

VERSION = 1
TABLE_BEGINS, TABLE_ENDS = "<!-- files: written by pruner.export -->", "<!-- end of files -->"


@dataclass(frozen=True)
class ModelEntry:
    """One model.

    Attributes:
        title: What people call it.
        ir: File name of its OpenVINO graph.
        precision: `FP16` or `INT8`.
        parameters: Trained values.
        macs: Multiply-accumulates of the inference graph for a picture of 512 x 512.
        checkpoint: File name of the weights it was made from.
    """

    title: str
    ir: str
    precision: str
    parameters: int
    macs: int
    checkpoint: str


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; an empty one if there is none.

    Raises:
        PrunerError: A file that is not such a manifest.
    """
    path = folder / "manifest.json"
    if not path.exists():
        return {"version": VERSION, "models": {}, "files": {}}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PrunerError(f"{path}: not JSON ({error}); mend it or delete it") from error
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        raise PrunerError(f"{path}: not a list of models of version {VERSION}")
    return manifest


def add(folder: Path, name: str, entry: ModelEntry, files: Sequence[str], *, made_in: Path) -> None:
    """Take in the files of a model and list it, or replace what was listed under its name.

    Args:
        folder: Where the files shall lie. If it has a README.md with a place for it, the table of
            files there is written as well.
        name: What the runtime's `--model` calls it.
        entry: The model.
        files: Names of its files.
        made_in: Where they are, on the same disk; they are moved, and everybody may read them.
    """
    manifest = read(folder)
    manifest["models"][name] = asdict(entry)
    for file in files:
        (made_in / file).chmod(0o644)
        (made_in / file).replace(folder / file)
        size = (folder / file).stat().st_size
        manifest["files"][file] = {"sha256": digest(folder / file), "bytes": size}
    manifest["files"] = dict(sorted(manifest["files"].items()))
    _write(folder / "manifest.json", json.dumps(manifest, indent=2) + "\n")
    readme = folder / "README.md"
    if readme.exists():
        _write(readme, _with_table(readme.read_text(encoding="utf-8"), manifest["files"]))


def _with_table(text: str, files: dict[str, dict[str, Any]]) -> str:
    """The text with a fresh table of files between the marks, if it has them."""
    before, begins, rest = text.partition(TABLE_BEGINS)
    _, ends, after = rest.partition(TABLE_ENDS)
    rows = [f"| {name} | {file['bytes']:,} | `{file['sha256']}` |" for name, file in files.items()]
    table = "\n".join(["", "| file | bytes | sha256 |", "|---|--:|---|", *rows, ""])
    return f"{before}{begins}{table}{ends}{after}" if ends else text


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
