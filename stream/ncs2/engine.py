"""The network on the stick, behind the same interface as `stream.inference.engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.frame import Alpha, Image
from stream.inference.engine import Engine, Request
from stream.ncs2.client import Message

if TYPE_CHECKING:
    from stream.ncs2.stick import Ncs2

_INFER_S = 15.0
"""How long one inference may take, in seconds."""


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


class Ncs2Request(Request):
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


class Ncs2Engine(Engine):
    """The network compiled for one input size; `Ncs2.engine` makes it.

    Attributes:
        size_wh: Width and height of the network's input in pixels.
    """

    def __init__(self, network: RemoteNetwork, pictures: Image, mattes: Alpha) -> None:
        self.size_wh = network.size_wh
        self._device = network.stick.device
        self._idle = [
            Ncs2Request(network, slot, *shared)
            for slot, shared in enumerate(zip(pictures, mattes, strict=True))
        ]

    @property
    def device_names(self) -> tuple[str, ...]:
        """What runs it, as a user spells it."""
        return (self._device,)

    def take(self) -> Request:
        """A request that nobody uses: there are as many as the stick was opened for."""
        return self._idle.pop()
