"""A page with tiny models in a process of its own: python -m tests.ui.serving PORT WEIGHTS."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENDPOINTS = {"/check_clip", "/preview", "/compare", "/frames", "/convert"}
MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Page:
    """A page that is being served: its address, and where its temporary files lie."""

    url: str
    temporary: Path

    @property
    def jobs(self) -> list[Path]:
        """The folders of the jobs that run."""
        return list(self.temporary.glob("modnet-p-page-*/jobs/*"))

    @property
    def uploads(self) -> Path:
        """Where uploads and results lie."""
        (folder,) = self.temporary.glob("modnet-p-page-*")
        return folder / "uploads"


@contextmanager
def served_page(weights: Path, temporary: Path) -> Iterator[Page]:
    """Serve a page until the end of the block; see that it ends tidily."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ui.serving", str(port), str(weights)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield Page(process.stdout.readline().strip(), temporary)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(timeout=20) == 143
            finally:
                process.kill()
    assert not list(temporary.glob("modnet-p-page-*"))


def main() -> int:
    """Serve the page."""
    from stream.signals import StopSignals
    from ui.server import Address, serve
    from ui.uploads import Limits

    limits = Limits(max_bytes=MAX_BYTES, max_seconds=8)
    port, weights = int(sys.argv[1]), Path(sys.argv[2])
    with (
        StopSignals() as signals,
        serve(Address(port=port), limits=limits, weights=weights) as url,
    ):
        print(url, flush=True)
        signals.stop.wait()
    return signals.exit_code


if __name__ == "__main__":
    sys.exit(main())
