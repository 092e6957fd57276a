"""Where the page's work is done: one job at a time, in a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from stream.inference.model_files import WEIGHTS
from ui.uploads import Limits


class Workplace:
    """What all jobs of a page share.

    Args:
        folder: A private folder.
        limits: How much work a visitor may ask for.
        weights: The folder of the models and their manifest.

    Attributes:
        uploads: The folder that visitors' files come to, and results while visitors have them.
        limits, weights: As given.
    """

    def __init__(
        self, folder: Path, *, limits: Limits | None = None, weights: Path = WEIGHTS
    ) -> None:
        self.uploads = folder / "uploads"
        self._jobs = folder / "jobs"  # apart, as results are copied out of it and then deleted
        for each in (self.uploads, self._jobs):
            each.mkdir(exist_ok=True)
        self.limits = limits or Limits()
        self.weights = weights
        self._busy = threading.Lock()
        self._stops: set[threading.Event] = set()

    @contextlib.contextmanager
    def job(self, stop: threading.Event) -> Iterator[Path]:
        """Wait until nothing else runs; then there is a folder for the job until it ends.

        Args:
            stop: Ends the job; set also when the page closes.
        """
        self._stops.add(stop)
        try:
            with self._busy, tempfile.TemporaryDirectory(prefix="job-", dir=self._jobs) as folder:
                yield Path(folder)
        finally:
            self._stops.discard(stop)

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """Wait until nothing else runs, for work that needs no folder."""
        with self._busy:
            yield

    def close(self) -> None:
        """End whatever runs."""
        for stop in tuple(self._stops):
            stop.set()
