"""Clips: whole ones to score mattes on, and single frames of them to learn from."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from pruner.data import Pair, pairs, pictures, read_pair
from pruner.errors import PrunerError
from pruner.scores import Clip
from stream.errors import StreamError
from stream.frame import Frame
from stream.source import open_source

VIDEOS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


def find_clips(root: Path) -> list[Path]:
    """The videos and folders of frames in a folder.

    Raises:
        PrunerError: No such folder, or nothing in it.
    """
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    if found := sorted([*folders, *find_videos(root)]):
        return found
    raise PrunerError(f"{root}: expected a folder of videos or of folders of frames")


def find_videos(root: Path) -> list[Path]:
    """The videos in a folder, in order of their names."""
    entries = root.iterdir() if root.is_dir() else []
    return sorted(path for path in entries if path.suffix.lower() in VIDEOS)


def names_of(videos: Sequence[Path]) -> dict[Path, str]:
    """What to call the videos of a folder: without their suffix, where that tells them apart."""
    stems = [video.stem for video in videos]
    return {
        video: video.stem if stems.count(video.stem) == 1 else video.name.replace(".", "-")
        for video in videos
    }


def read_clip(path: Path, limit: int | None = None) -> Clip:
    """A video, or a folder of frames with mattes or without.

    Args:
        path: The file or folder.
        limit: Frames to stop after.

    Raises:
        PrunerError: Frames without their mattes.
        StreamError: It cannot be read.
    """
    if path.is_dir() and (path / "alpha").is_dir():
        frames = [read_pair(item) for item in pairs(path)[:limit]]
        images = [np.ascontiguousarray(image[..., ::-1]) for image, _ in frames]
        return Clip(path.name, images, [truth for _, truth in frames])
    with open_source(str(path)) as source:
        return Clip(path.name, [frame.image for frame in itertools.islice(source, limit)])


def frames_of(videos: Sequence[Path], folder: Path, *, interval_s: float = 0.2) -> list[Pair]:
    """Frames of videos as pictures without mattes.

    Args:
        videos: The files.
        folder: Gets a folder of pictures for each video; what it holds already is taken as it is.
        interval_s: Time between two frames that are taken, in seconds.

    Raises:
        PrunerError: A video cannot be read.
    """
    items = []
    for video, name in names_of(videos).items():
        if not (folder / name).is_dir():
            try:
                _write_frames(video, folder / name, interval_s)
            except StreamError as error:
                raise PrunerError(str(error)) from error
        items += [Pair(path.stem, path, None) for path in pictures(folder / name)]
    return items


def _write_frames(video: Path, folder: Path, interval_s: float) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as made_in, open_source(str(video)) as source:
        whole = Path(made_in) / folder.name
        whole.mkdir()
        for index, frame in enumerate(thinned(source, interval_s)):
            _, jpeg = cv2.imencode(".jpg", frame.image)
            jpeg.tofile(whole / f"{folder.name}_{index:05d}.jpg")
        with contextlib.suppress(OSError):  # another process was first
            whole.replace(folder)


def thinned(frames: Iterable[Frame], interval_s: float) -> Iterator[Frame]:
    """Some of the frames, at least `interval_s` seconds from one to the next."""
    due = None
    for frame in frames:
        time_s = frame.pts * frame.time_base
        if due is None or time_s >= due:
            yield frame
            due = time_s + Fraction(interval_s)
