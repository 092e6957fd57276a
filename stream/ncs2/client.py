"""The worker's process, seen from the program: starts it, talks to it, ends it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]
"""What goes to the worker and comes back: see `worker.py`."""

_STOP_S = 5.0


class WorkerLostError(RuntimeError):
    """The worker ended, or says nothing any more."""


class Worker:
    """A running worker.

    Args:
        command: How to start it.
        timeout_s: How long its first answer may take, in seconds.

    Raises:
        RuntimeError: It cannot be started, or reports an error.
    """

    def __init__(self, command: Sequence[str], *, timeout_s: float) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise WorkerLostError(f"{command[0]} cannot be started: {error.strerror}") from error
        try:
            self._receive(timeout_s)
        except RuntimeError:
            self.close()
            raise

    def tell(self, message: Message) -> None:
        """Send what is not answered. A worker that is gone is noticed by the next `ask`."""
        assert self._process.stdin is not None
        text = json.dumps(message).encode()
        with contextlib.suppress(OSError):
            self._process.stdin.write(struct.pack(">I", len(text)) + text)

    def ask(self, message: Message, *, timeout_s: float) -> Message:
        """Send a message and wait for the answer.

        Raises:
            WorkerLostError: There is none within `timeout_s` seconds.
            RuntimeError: It is an error.
        """
        self.tell(message)
        return self._receive(timeout_s)

    def close(self) -> None:
        """End the process; more than once does no harm."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._errors.close()

    def _receive(self, timeout_s: float) -> Message:
        deadline_s = time.monotonic() + timeout_s
        (length,) = struct.unpack(">I", self._read(4, deadline_s))
        answer: Message = json.loads(self._read(length, deadline_s))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def _read(self, size: int, deadline_s: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        data = b""
        while len(data) < size:
            if not _has_data(descriptor, deadline_s - time.monotonic()):
                self._process.kill()
                raise WorkerLostError("it did not answer in time")
            part = os.read(descriptor, size - len(data))
            if not part:
                raise WorkerLostError(self._last_words())
            data += part
        return data

    def _last_words(self) -> str:
        """Why it ended."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f"it ended with code {code}" + (f": {said[-1]}" if said else "")


def _has_data(descriptor: int, timeout_s: float) -> bool:
    """Wait until there is something to read."""
    if sys.platform == "win32":  # select() knows sockets only: a silent pipe blocks
        return True
    return bool(select.select([descriptor], [], [], max(0.0, timeout_s))[0])
