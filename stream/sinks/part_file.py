"""Files that bear their own name only when they are complete."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import av

from stream.errors import OutputError

_LACK_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class PartFile:
    """A file that is written as `name.part.ext` beside its target, then renamed.

    Where a file of that name is there already, be it what a former run saved, it stays as it is:
    `name.part2.ext` is written, and so on.

    Args:
        target: The file to be.
        overwrite: Whether it may replace a file.
        inputs: Files that it must not replace even so.

    Attributes:
        target: As given.
        path: What to write to.

    Raises:
        OutputError: The target exists or cannot be written.
    """

    def __init__(
        self, target: Path, *, overwrite: bool = False, inputs: Sequence[Path] = ()
    ) -> None:
        check_target(target, overwrite=overwrite, inputs=inputs)
        self.target = target
        with errors_name(self.target):
            self.path = _new_part(target)

    def commit(self) -> None:
        """Give the file its own name.

        Raises:
            OutputError: It cannot be renamed.
        """
        with errors_name(self.target):
            self.path.replace(self.target)

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def _new_part(target: Path) -> Path:
    """Make an empty file under the first name that is free."""
    for number in count(1):
        path = target.with_name(f"{target.stem}.part{number if number > 1 else ''}{target.suffix}")
        with suppress(FileExistsError):
            path.touch(exist_ok=False)
            return path
    raise AssertionError  # there is always another number


def check_target(target: Path, *, overwrite: bool, inputs: Sequence[Path] = ()) -> None:
    """See that a file may be written.

    Raises:
        OutputError: It has no folder or is one, is an input, or is there and must not be replaced.
    """
    check_folder(target.parent)
    check_is_no_input(target, inputs)
    if target.is_dir():
        raise OutputError(f"{target} is a folder", hint="give the name of a file")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists", hint="choose another name, or --force replaces it")


def check_folder(folder: Path) -> None:
    """See that a folder is there.

    Raises:
        OutputError: It is not.
    """
    if not folder.is_dir():
        raise OutputError(f"no such folder: {folder}", hint=f"make it first: mkdir -p {folder}")


def check_is_no_input(path: Path, inputs: Sequence[Path]) -> None:
    """See that a path is none of the inputs, by whatever name.

    Raises:
        OutputError: It is one.
    """
    if path.resolve() in [source.resolve() for source in inputs]:
        raise OutputError(f"{path} is an input of this run", hint="choose another name")


@contextmanager
def errors_name(path: Path) -> Iterator[None]:
    """Turn what the system or FFmpeg raises into an error that names `path`.

    Raises:
        OutputError: In the place of `OSError` and `av.FFmpegError`; where space may have been
            lacking it tells how much there is.
    """
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        message = f"cannot write {path}: {error.strerror or error}"
        hint = None
        if error.errno in _LACK_OF_SPACE:
            free_mb = shutil.disk_usage(path.parent).free / 1e6
            message += f" ({free_mb:,.0f} MB free on its disk)"
            hint = "free some space, or write to another disk"
        raise OutputError(message, hint=hint) from error
