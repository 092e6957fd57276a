"""What a visitor's file has to be before any work is done on it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stream.background import open_background
from stream.errors import InputError, ModelError, StreamError
from stream.inference.engine import read_network
from stream.source import SourceInfo, open_source
from ui.peek import count_frames


@dataclass(frozen=True)
class Limits:
    """How much work a visitor may ask for.

    Attributes:
        max_bytes: Size of any file.
        max_seconds: Length of a clip.
        max_frames: Pictures in a clip.
        max_pixels: Pixels of each picture of a clip.
        keep_s: Seconds after which whatever visitors brought and got is deleted.
    """

    max_bytes: int = 200_000_000
    max_seconds: float = 60.0
    max_frames: int = 3_600
    max_pixels: int = 3840 * 2160
    keep_s: int = 3600


def check_clip(path: Path, limits: Limits) -> SourceInfo:
    """See that a file is a video that can be worked on.

    Raises:
        InputError: It is not, or it asks for too much.
    """
    _check_bytes(path, limits)
    with open_source(str(path), untrusted=True) as source:
        info = source.info
    if info.is_still:
        raise InputError(f"{info.name} is a picture: expected a video")
    width, height = info.size_wh
    if width * height > limits.max_pixels:
        most = limits.max_pixels / 1e6
        raise InputError(
            f"{info.name} is {width} x {height} pixels: expected at most {most:.1f} megapixels",
            hint="scale it down first",
        )
    _check_length(path, info, limits)
    return info


def _check_length(path: Path, info: SourceInfo, limits: Limits) -> None:
    count = info.frame_count
    if count is None and info.duration_s is None:  # as in what browsers record
        count = count_frames(path, at_most=limits.max_frames + 1)
    if (info.duration_s or 0.0) > limits.max_seconds or (count or 0) > limits.max_frames:
        most = f"over {limits.max_frames} frames"
        length = f"{info.duration_s:.0f} seconds" if info.duration_s else most
        raise InputError(
            f"{info.name} is {length} long: expected at most {limits.max_seconds:.0f} seconds",
            hint="cut a part out of it first",
        )


def check_background(path: Path, limits: Limits) -> None:
    """See that a file can stand behind people.

    Raises:
        InputError: It is neither a picture nor a video, or it is too large.
    """
    _check_bytes(path, limits)
    open_background(str(path.absolute()), untrusted=True).close()


def gather_model(paths: list[Path], folder: Path, limits: Limits) -> Path:
    """Put the two files of a visitor's model side by side, where they belong.

    Args:
        paths: An `.xml` and a `.bin`, in any order, whatever their names and folders.
        folder: Where to put them.
        limits: How large they may be.

    Returns:
        The `.xml`.

    Raises:
        ModelError: They are not such a pair, or not a matting network.
    """
    by_suffix = {path.suffix.lower(): path for path in paths}
    if len(paths) != 2 or set(by_suffix) != {".xml", ".bin"}:
        got = ", ".join(path.name for path in paths) or "nothing"
        raise ModelError(
            f"expected an OpenVINO model, which is an .xml and its .bin; got {got}",
            hint="write one with `python -m pruner.export`",
        )
    for path in paths:
        _check_bytes(path, limits)
    name = by_suffix[".xml"].stem
    for suffix, path in by_suffix.items():
        shutil.copyfile(path, folder / f"{name}{suffix}")
    target = folder / f"{name}.xml"
    read_network(target)
    return target


@contextlib.contextmanager
def discarded_on_refusal(paths: list[Path], *, within: Path) -> Iterator[None]:
    """Delete uploaded files when what is done with them fails by the visitor's fault.

    Args:
        paths: The files; those that lie elsewhere, as the sample does, are left alone.
        within: The folder that uploads lie in.
    """
    try:
        yield
    except StreamError:
        for path in paths:
            if path.resolve().is_relative_to(within.resolve()):
                path.unlink(missing_ok=True)
        raise


def _check_bytes(path: Path, limits: Limits) -> None:
    if not path.is_file():
        raise InputError("the upload is gone", hint="upload it again")
    if path.stat().st_size > limits.max_bytes:
        size, most = path.stat().st_size / 1e6, limits.max_bytes / 1e6
        raise InputError(f"{path.name} has {size:.0f} MB: expected at most {most:.0f} MB")
