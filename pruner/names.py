"""What models are called where there is little room."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def short_names(models: Iterable[str]) -> dict[str, str]:
    """Of each path its last part; of paths that end alike as many parts as tell them apart."""
    paths = {model: Path(model).parts or (model,) for model in models}
    longest = max(map(len, paths.values()), default=0)
    for count in range(1, longest + 1):
        names = {model: "/".join(parts[-count:]) for model, parts in paths.items()}
        if len(set(names.values())) == len(names):
            return names
    return {model: model for model in paths}
