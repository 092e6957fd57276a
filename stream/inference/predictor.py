"""What a giver of mattes is, and the base of those that stand before another one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Protocol

from stream.frame import Alpha, Frame, MattedFrame, Picture


class Predictor(Protocol):
    """Gives mattes of single pictures. For one thread at a time."""

    model_name: str

    @property
    def device_name(self) -> str:
        """What infers."""

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height of what the network sees; None before the first picture."""

    def predict(self, picture: Picture) -> Alpha:
        """The matte of one picture.

        Returns:
            (H, W) uint8, or smaller; see `stream.frame.Alpha`.
        """

    def close(self) -> None:
        """Let go of the networks and their memory."""


class VideoPredictor(Predictor, Protocol):
    """Gives mattes of single pictures and of whole videos, as `MattePredictor` does."""

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        """The mattes of many pictures, in order."""


class WrappedPredictor(ABC):
    """A predictor that asks another one, frame by frame.

    Args:
        predictor: Is asked; owned by this one.

    Attributes:
        model_name: That of `predictor`.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.model_name = predictor.model_name
        self._predictor = predictor

    @property
    def device_name(self) -> str:
        """What infers."""
        return self._predictor.device_name

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height of what the network sees; None before the first picture."""
        return self._predictor.input_size_wh

    @abstractmethod
    def predict(self, picture: Picture) -> Alpha:
        """The matte of the next picture; see `Predictor`."""

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        """The mattes of many pictures, in order, one at a time."""
        for frame in frames:
            yield MattedFrame(frame, self.predict(frame.picture))

    def close(self) -> None:
        """Let go of the networks and their memory."""
        self._predictor.close()
