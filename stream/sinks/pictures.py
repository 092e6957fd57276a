"""Writes pictures as image files: a sequence in a folder, or a single one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2

from stream.errors import OutputError
from stream.frame import Image, Picture, as_image
from stream.sinks.part_file import PartFile, check_folder, check_is_no_input, errors_name

PICTURE_SUFFIXES = (".png", ".webp", ".jpg", ".jpeg")
TRANSPARENT_PICTURE_SUFFIXES = (".png", ".webp")


class PictureFolder:
    """A folder of PNG files: `frame_000001.png` and so on, or named as the input's pictures are.

    Args:
        folder: Made if it is not there.
        names: File names of the input's pictures, by `pts`; the extensions are replaced.
        overwrite: Whether the folder may hold something already: files of the same names are
            replaced, numbered frames of a longer run removed, all else stays.
        inputs: Folders that must not be written to even so, and files whose folders must not.

    Raises:
        OutputError: The folder cannot be made, is an input, or is not empty.
    """

    def __init__(
        self,
        folder: Path,
        *,
        names: Sequence[str] | None = None,
        overwrite: bool = False,
        inputs: Sequence[Path] = (),
    ) -> None:
        check_folder(folder.parent)
        check_is_no_input(folder, inputs)
        _check_holds_no_input(folder, inputs)
        self._is_new = not folder.exists()
        with errors_name(folder):
            folder.mkdir(exist_ok=True)
        if not overwrite and any(folder.iterdir()):
            raise OutputError(
                f"{folder} is not empty", hint="choose another one, or --force writes into it"
            )
        self._folder = folder
        self._names = None if names is None else _png_names(names)
        self._count = 0

    def write(self, picture: Picture, *, pts: int, time_base: Fraction) -> None:
        """Write the next file.

        Args:
            picture: See `stream.sinks.writer.Writer`; sizes may differ.
            pts: Which picture of the input this is.
            time_base: Not used: pictures have no time.

        Raises:
            OutputError: The disk is full.
        """
        self._count += 1
        name = self._names[pts] if self._names else _frame_name(self._count)
        _write_picture(self._folder / name, as_image(picture))

    def close(self) -> None:
        """Remove what a longer run left, and a new folder that is empty."""
        if self._names is None:
            number = self._count + 1
            while (left_over := self._folder / _frame_name(number)).exists():
                left_over.unlink()
                number += 1
        if self._is_new and not any(self._folder.iterdir()):
            self._folder.rmdir()


class PictureFile:
    """A single image file, for a single picture."""

    def __init__(self, file: PartFile) -> None:
        self._file = file
        self._is_written = False

    def write(self, picture: Picture, *, pts: int, time_base: Fraction) -> None:
        """Write the picture.

        Args:
            picture: See `stream.sinks.writer.Writer`.
            pts: Not used.
            time_base: Not used.

        Raises:
            OutputError: The disk is full, or this is the second picture.
        """
        target = self._file.target
        if self._is_written:
            raise OutputError(
                f"{target} holds one picture, but there are more",
                hint=f"write them to a folder ({target.stem}/) or to a video",
            )
        _write_picture(self._file.path, as_image(picture))
        self._is_written = True

    def close(self) -> None:
        """Give the file its name; where nothing was written there is none."""
        if self._is_written:
            self._file.commit()
        else:
            self._file.discard()


def _check_holds_no_input(folder: Path, inputs: Sequence[Path]) -> None:
    """See that none of the files to be written can be an input, or a link to one."""
    for path in inputs:
        if path.is_file() and folder.resolve() in (path.parent.resolve(), path.resolve().parent):
            raise OutputError(
                f"{folder} holds {path.name}, an input of this run", hint="choose another folder"
            )


def _write_picture(path: Path, image: Image) -> None:
    is_encoded, encoded = cv2.imencode(path.suffix, image)
    if not is_encoded:
        height, width = image.shape[:2]
        raise OutputError(f"cannot write {path}: it cannot hold {width} x {height} pixels")
    try:
        with errors_name(path):
            path.write_bytes(encoded.tobytes())
    except OutputError:
        path.unlink(missing_ok=True)  # half a picture is worse than none
        raise


def _frame_name(number: int) -> str:
    return f"frame_{number:06d}.png"


def _png_names(names: Sequence[str]) -> list[str]:
    """The names with the extension .png, instead of their own where that keeps them apart."""
    short = [f"{Path(name).stem}.png" for name in names]
    return short if len(set(short)) == len(short) else [f"{name}.png" for name in names]
