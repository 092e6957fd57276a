"""MediaPipe's selfie segmentation, as its package brings it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.bench.peers import Feeds, Peer
from stream.errors import UsageError
from stream.frame import Image
from stream.optional import optional_module

_LANDSCAPE = 1  # the lighter of its two networks, which is meant for video


class SelfieSegmentation(Peer):
    """A coarse segmentation rather than a matte, and a very fast one.

    The package offers no way to run the network alone: `infer` is all that it does for a picture.
    How many threads it uses is its own choice.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        mediapipe = optional_module("mediapipe", needed_for=name)
        solutions = getattr(mediapipe, "solutions", None)
        if solutions is None:
            raise UsageError(
                f"{name}: version {mediapipe.__version__} comes without the network, 0.10.21 has it"
            )
        self._segmentation = solutions.selfie_segmentation.SelfieSegmentation(
            model_selection=_LANDSCAPE
        )
        self._open = True

    def prepare(self, image: Image) -> Feeds:
        """See `Peer.prepare`."""
        self.input_size_wh = image.shape[1], image.shape[0]
        return {"image": np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))}

    def infer(self, feeds: Feeds) -> NDArray[np.generic]:
        """See `Peer.infer`."""
        matte: NDArray[np.float32] = self._segmentation.process(feeds["image"]).segmentation_mask
        return matte

    def close(self) -> None:
        """See `Peer.close`."""
        if self._open:
            self._open = False
            self._segmentation.close()
