"""A page in a process of its own, with small limits.

python -m tests.ui.serving PORT WEIGHTS KEEP_S
"""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENDPOINTS = {"/check_clip", "/preview", "/compare", "/frames", "/convert"}
MAX_BYTES = 2_000_000
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Page:
    """A page that is being served: its address, where its temporary files lie, its process."""

    url: str
    temporary: Path
    pid: int

    @property
    def jobs(self) -> list[Path]:
        """The folders of the jobs that run."""
        return list(self.temporary.glob("modnet-p-page-*/jobs/*"))

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time that it has taken so far, in all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    @property
    def uploads(self) -> Path:
        """Where uploads and results lie."""
        (folder,) = self.temporary.glob("modnet-p-page-*")
        return folder / "uploads"


@contextmanager
def served_page(weights: Path, temporary: Path, *, keep_s: int = 3600) -> Iterator[Page]:
    """Serve a page with some models until the end of the block.

    Args:
        weights: The folder of the models.
        temporary: Where temporary files come.
        keep_s: See `ui.uploads.Limits`.
    """
    command = ["tests.ui.serving", str(free_port()), str(weights), str(keep_s)]
    with running(command, temporary) as page:
        yield page


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], temporary: Path) -> Iterator[Page]:
    """Run a module that serves a page until the end of the block; see that it ends tidily."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            address = re.search(r"http\S+", process.stdout.readline())
            assert address is not None
            yield Page(address[0], temporary, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(timeout=PATIENCE_S) == 143
            finally:
                process.kill()
    assert not list(temporary.glob("modnet-p-page-*"))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that takes no time on an idle machine."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def main() -> int:
    """Serve the page; fails if anything in it looks for a host that is not this machine."""
    strangers = watch_for_strangers()

    from stream.signals import StopSignals
    from ui.server import Address, serve
    from ui.uploads import Limits

    port, weights, keep_s = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    limits = Limits(max_bytes=MAX_BYTES, max_seconds=8, keep_s=keep_s)
    with (
        StopSignals() as signals,
        serve(Address(port=port), limits=limits, weights=weights) as url,
    ):
        print(url, flush=True)
        signals.stop.wait()
    if strangers:
        print(f"the page looked for {', '.join(strangers)}", file=sys.stderr)
        return 1
    return signals.exit_code


def watch_for_strangers() -> list[str]:
    """The hosts other than this machine that the process looks up or connects to from now on."""
    strangers: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        elif event == "socket.getaddrinfo":
            host = arguments[0]
        else:
            return
        if not is_here(host):
            strangers.append(str(host))

    sys.addaudithook(watch)
    return strangers


def is_here(host: str | bytes | None) -> bool:
    """Whether a host is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or name == "0.0.0.0"
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
