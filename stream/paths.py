"""Looks at paths that somebody typed, which may be too long or in a folder that is not theirs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.errors import InputError, StreamError


def is_there(path: Path) -> bool:
    """Whether there is a file or folder of that name, as far as one can see."""
    try:
        return path.exists()
    except OSError:
        return False


@contextmanager
def reading(path: Path, kind: type[StreamError] = InputError) -> Iterator[None]:
    """Turn what the system raises meanwhile into an error that names `path`.

    Raises:
        StreamError: Of this kind, in the place of `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise kind(f"cannot read {path}: {error.strerror or error}") from error
