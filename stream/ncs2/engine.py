"""The network on the stick, behind the same interface as `stream.engine`."""

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
from stream.model_files import ModelFile, find_model
from stream.ncs2 import ncs2_plugin
from stream.ncs2.client import Message, Worker, WorkerLostError
from stream.ncs2.environment import missing_parts, worker_command

_START_S = 60.0
_OPEN_S = 120.0
_INFER_S = 15.0
"""How long starting, compiling and one inference may take, in seconds."""

_log = logging.getLogger(__name__)


class RemoteNetwork:
    """The network as the worker has it, compiled for one input size.

    Args:
        stick: Whose worker that is.
        name: What worker and program call it.
        size_wh: Width and height of its input in pixels.
        slots: How many inferences it can have in flight.
    """

    def __init__(self, stick: Ncs2, name: str, size_wh: tuple[int, int], slots: int) -> None:
        self.stick = stick
        self.size_wh = size_wh
        self.opening: Message = {"do": "open", "id": name, "size_wh": size_wh, "slots": slots}
        self._name = name
        self._started: set[int] = set()

    def start(self, slot: int) -> None:
        """Begin to infer; returns at once."""
        self._started.add(slot)
        self.stick.tell(self._message("start", slot))

    def wait(self, slot: int) -> None:
        """Wait for a matte.

        Raises:
            RuntimeError: The stick or the worker failed.
        """
        self.stick.ask(self._message("wait", slot), timeout_s=_INFER_S)
        self._started.discard(slot)

    def starts(self) -> list[Message]:
        """What begins all inferences in flight once more, in another worker."""
        return [self._message("start", slot) for slot in sorted(self._started)]

    def _message(self, what: str, slot: int) -> Message:
        return {"do": what, "id": self._name, "slot": slot}


class Ncs2Request:
    """One inference at a time: fill `image`, `start`, `wait`.

    Attributes:
        image: (h, w, 3) uint8 BGR: shared with the worker, to be written into.
    """

    def __init__(self, network: RemoteNetwork, slot: int, image: Image, alpha: Alpha) -> None:
        self._network, self._slot = network, slot
        self.image = image
        self._alpha = alpha

    def start(self) -> None:
        """Begin to infer; returns at once."""
        self._network.start(self._slot)

    def wait(self) -> Alpha:
        """Wait for the matte.

        Returns:
            (h, w) uint8, overwritten by the next inference.

        Raises:
            RuntimeError: The stick or the worker failed.
        """
        self._network.wait(self._slot)
        return self._alpha


class Ncs2Engine:
    """The network compiled for one input size. `Ncs2.engine` makes it.

    Attributes:
        size_wh: Width and height of the network's input in pixels.
        device_names: What runs it, as a user spells it.
    """

    def __init__(self, network: RemoteNetwork, pictures: Image, mattes: Alpha) -> None:
        self.size_wh = network.size_wh
        self.device_names = (network.stick.device,)
        self._idle = [
            Ncs2Request(network, slot, *shared)
            for slot, shared in enumerate(zip(pictures, mattes, strict=True))
        ]

    def take(self) -> Ncs2Request:
        """A request that nobody uses; `give_back` it once its matte has been read."""
        return self._idle.pop()

    def give_back(self, request: Ncs2Request) -> None:
        """The request may be taken again."""
        self._idle.append(request)


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
            hint="`python -m pruner.old_runtime` writes one; 8-bit models cannot have one",
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
