"""Pictures shown in a window: the last one stays."""

from __future__ import annotations

from collections.abc import Iterator

from stream.frame import Frame
from stream.source import Source
from stream.sources.closable import ClosableSource


class _HeldSource(ClosableSource):
    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self.info = source.info

    def _read(self) -> Iterator[Frame]:
        yield from self._source
        self._closing.wait()

    def close(self) -> None:
        super().close()
        self._source.close()

    def _release(self) -> None:
        self._source.close()


def held(source: Source) -> Source:
    """Deliver the frames of a source and then nothing more, without an end, until it is closed.

    The returned source owns `source` and closes it.
    """
    return _HeldSource(source)
