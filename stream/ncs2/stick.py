"""The stick, and the worker process that drives it."""

from __future__ import annotations

import logging
import mmap
import tempfile
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from stream.errors import DeviceError, ModelError
from stream.frame import Alpha, Image
from stream.inference.model_files import ModelFile, find_model
from stream.ncs2 import ncs2_plugin
from stream.ncs2.client import Message, Worker, WorkerLostError
from stream.ncs2.engine import Ncs2Engine, RemoteNetwork
from stream.ncs2.environment import missing_parts, worker_command

_START_S = 60.0
_OPEN_S = 120.0
"""How long starting the worker and compiling a network may take, in seconds."""

_log = logging.getLogger(__name__)


class Ncs2:
    """The stick, and the worker that drives it. For one thread at a time.

    A worker that is lost is started again once, with all that was in flight.

    Args:
        network: As `network_file` gives it.
        device: As `stream.ncs2.ncs2_device` spells it.
        requests: How many inferences may be in flight.
        command: How the worker is started; by default under the Python of `make ncs2`.

    Raises:
        DeviceError: Something is missing: the worker's environment, a library, the stick.
    """

    def __init__(
        self, network: Path, *, device: str, requests: int, command: Sequence[str] | None = None
    ) -> None:
        self.device = device
        self._requests = requests
        program = worker_command() if command is None else command
        self._folder = tempfile.TemporaryDirectory(prefix="ncs2-", ignore_cleanup_errors=True)
        self._command = [*program, str(network), ncs2_plugin(device), self._folder.name]
        self._networks: WeakValueDictionary[str, RemoteNetwork] = WeakValueDictionary()
        self._opened: set[str] = set()
        self._count = 0
        self._may_restart = True
        self._worker: Worker | None = None
        try:
            self._start()
        except RuntimeError as error:
            self.close()
            parts = missing_parts() if device == "NCS2" else []
            missing = f"; missing: {', '.join(parts)}" if parts else ""
            raise DeviceError(
                f"the NCS2 cannot be used: {error}{missing}",
                hint="`make ncs2` tells how to add what is missing",
            ) from error

    def engine(self, size_wh: tuple[int, int]) -> Ncs2Engine:
        """The network, compiled for an input size.

        Args:
            size_wh: Width and height in pixels, multiples of 32.

        Raises:
            RuntimeError: The stick cannot run it, or the worker failed.
        """
        self._forget_unused()
        name = str(self._count)
        self._count += 1
        self._opened.add(name)
        shared = _map(self._memory(name), size_wh, self._requests)
        network = RemoteNetwork(self, name, size_wh, self._requests)
        self.ask(network.opening, timeout_s=_OPEN_S)
        self._networks[name] = network
        return Ncs2Engine(network, *shared)

    def tell(self, message: Message) -> None:
        """Send the worker what it does not answer."""
        if self._worker is not None:
            self._worker.tell(message)

    def ask(self, message: Message, *, timeout_s: float) -> Message:
        """Ask the worker; see there.

        Raises:
            RuntimeError: It failed, or is lost once more.
        """
        if self._worker is None:
            raise RuntimeError("the worker was ended")
        try:
            return self._worker.ask(message, timeout_s=timeout_s)
        except WorkerLostError as error:
            if not self._may_restart:
                raise
            self._may_restart = False
            _log.warning("the NCS2's worker is started again: %s", error)
            self._worker.close()
            return self._start().ask(message, timeout_s=timeout_s)

    def close(self) -> None:
        """End the worker; more than once does no harm."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._folder.cleanup()

    def _start(self) -> Worker:
        """Start a worker and bring it to where the last one was."""
        self._worker = worker = Worker(self._command, timeout_s=_START_S)
        worker.ask({"do": "find"}, timeout_s=_START_S)
        for network in list(self._networks.values()):
            worker.ask(network.opening, timeout_s=_OPEN_S)
            for start in network.starts():
                worker.tell(start)
        return worker

    def _forget_unused(self) -> None:
        """Free the stick's memory of the networks that nobody holds any more."""
        for name in self._opened - set(self._networks):
            self.tell({"do": "close", "id": name})
            self._memory(name).unlink(missing_ok=True)
            self._opened.discard(name)

    def _memory(self, name: str) -> Path:
        return Path(self._folder.name, name)


def open_ncs2(model: ModelFile, *, device: str, requests: int) -> Ncs2:
    """Open the stick for a model; see `Ncs2`.

    Raises:
        ModelError: The model has no file for the old runtime.
        DeviceError: As for `Ncs2`.
    """
    return Ncs2(network_file(model), device=device, requests=requests)


def network_file(model: ModelFile) -> Path:
    """The file for the old runtime that lies beside a model's own.

    Raises:
        ModelError: There is none, or it is damaged.
    """
    path = model.path.with_suffix(".ncs2.xml")
    if not path.is_file():
        raise ModelError(
            f"the model '{model.name}' has no file for the NCS2: expected '{path}'",
            hint="`python -m pruner.export --ncs2` writes one; 8-bit models cannot have one",
        )
    return find_model(path).path


def _map(memory: Path, size_wh: tuple[int, int], slots: int) -> tuple[Image, Alpha]:
    """Make the file that the worker shares.

    Returns:
        Pictures (slots, h, w, 3) and mattes (slots, h, w), both uint8.
    """
    width, height = size_wh
    pixels = slots * width * height
    with memory.open("wb+") as file:
        file.truncate(pixels * 4)
        shared = np.frombuffer(mmap.mmap(file.fileno(), pixels * 4), np.uint8)
    pictures = shared[: pixels * 3].reshape(slots, height, width, 3)
    return pictures, shared[pixels * 3 :].reshape(slots, height, width)
