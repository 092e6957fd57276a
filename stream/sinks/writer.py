"""Picks the writer for a file by its name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from stream.errors import OutputError
from stream.frame import Picture
from stream.sinks.codecs import CONTAINERS, Content, Encoding, VideoFormat
from stream.sinks.part_file import PartFile, errors_name
from stream.sinks.pictures import (
    PICTURE_SUFFIXES,
    TRANSPARENT_PICTURE_SUFFIXES,
    PictureFile,
    PictureFolder,
)
from stream.sinks.video_writer import VideoWriter
from stream.source import SourceInfo

_SUFFIXES = (*CONTAINERS, *PICTURE_SUFFIXES)
_TRANSPARENT_SUFFIXES = (
    *(suffix for suffix, kind in CONTAINERS.items() if Content.TRANSPARENT in kind.codecs),
    *TRANSPARENT_PICTURE_SUFFIXES,
)


class Writer(Protocol):
    """Takes pictures.

    They are (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA with straight alpha, uint8, or have
    another form, such as 4:2:0.
    """

    def write(self, picture: Picture, *, pts: int, time_base: Fraction) -> None:
        """Write a picture, whose time in seconds is `pts * time_base`."""

    def close(self) -> None:
        """Finish."""


def open_writer(
    spec: str,
    info: SourceInfo,
    content: Content,
    *,
    overwrite: bool,
    inputs: Sequence[Path],
    names: Sequence[str] | None,
    encoding: Encoding,
) -> Writer:
    """Open a video, a picture or a folder of pictures, as `stream.sink.open_sink` describes.

    Raises:
        OutputError: The place cannot be written to, or holds no such content.
    """
    path = Path(spec)
    inputs = [*inputs, info.path] if info.path else inputs
    with errors_name(path):  # it may be too long for a name
        is_folder = path.is_dir() or spec.endswith(("/", os.sep))
    if is_folder:
        return PictureFolder(path, names=names, overwrite=overwrite, inputs=inputs)
    suffix = path.suffix.lower()
    _check_suffix(path, suffix, content)
    file = PartFile(path, overwrite=overwrite, inputs=inputs)
    if suffix in PICTURE_SUFFIXES:
        return PictureFile(file)
    if encoding.faststart is None:
        encoding = replace(encoding, faststart=not info.is_live)
    return VideoWriter(
        file,
        VideoFormat(CONTAINERS[suffix], CONTAINERS[suffix].codecs[content], encoding),
        frame_rate=info.frame_rate,
        start_s=info.start_s,
        audio_path=None if content is Content.MATTE else info.path,
    )


def _check_suffix(path: Path, suffix: str, content: Content) -> None:
    if suffix not in _SUFFIXES:
        raise OutputError(
            f"cannot write {path}: its extension stands for no format that is known here",
            hint=f"use one of {' '.join(_SUFFIXES)}, or a folder such as frames/",
        )
    if content is Content.TRANSPARENT and suffix not in _TRANSPARENT_SUFFIXES:
        raise OutputError(
            f"cannot write {path}: {suffix} holds no transparency",
            hint=f"use one of {' '.join(_TRANSPARENT_SUFFIXES)}, or a folder such as frames/",
        )
