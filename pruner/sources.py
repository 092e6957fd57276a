"""Which data set each picture of a collection comes from, so that each can be scored by itself."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from pruner.data import Pair
from pruner.errors import PrunerError

MANIFEST = "manifest.csv"


def sources(root: Path, items: Sequence[Pair]) -> dict[str, str]:
    """The data set of each picture, by the picture's name; "" where nothing tells.

    A `manifest.csv` with the columns `name` and `source`, in the folder or in the one around it,
    goes before what names say: the letters in front of their first underscore.

    Args:
        root: The folder of the pictures.
        items: The pictures.

    Raises:
        PrunerError: A manifest that is no table.
    """
    listed = _listed(root)
    return {item.name: listed.get(item.name) or _prefix(item.name) for item in items}


def _prefix(name: str) -> str:
    match = re.match(r"([^\W\d_]+)_", name)
    return match[1] if match else ""


def _listed(root: Path) -> dict[str, str]:
    path = next((p for p in (root / MANIFEST, root.parent / MANIFEST) if p.is_file()), None)
    if path is None:
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.DictReader(file) if row.get("name") and row.get("source")]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PrunerError(f"{path}: cannot be read as CSV ({error})") from error
    rows.sort(key=lambda row: row.get("split") == root.name)  # the last one of a name counts
    return {row["name"]: row["source"] for row in rows}
