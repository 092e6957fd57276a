from __future__ import annotations

import threading
from typing import Any

import pytest

from stream.errors import OutputError
from stream.sinks.tee import Tee


class FakeSink:
    def __init__(self, *, fails: bool = False) -> None:
        self.stopped = False
        self.calls: list[str] = []
        self._fails = fails

    def write(self, frame: Any) -> None:
        self.calls.append(frame)

    def idle(self) -> None:
        self.calls.append("idle")

    def close(self) -> None:
        self.calls.append("closed")
        if self._fails:
            raise OutputError("disk full")


def tee(*sinks: Any, stop: threading.Event | None = None) -> Any:
    return Tee(sinks, stop=stop or threading.Event())


def test_every_sink_gets_everything() -> None:
    sinks = FakeSink(), FakeSink()
    both = tee(*sinks)
    both.write("frame")
    both.idle()
    both.close()
    assert sinks[0].calls == sinks[1].calls == ["frame", "idle", "closed"]


@pytest.mark.parametrize("what", ["write", "idle"])
def test_one_sink_that_is_stopped_stops_all(what: str) -> None:
    sinks, stop = (FakeSink(), FakeSink()), threading.Event()
    both = tee(*sinks, stop=stop)
    both.write("frame")
    both.idle()
    assert not stop.is_set()
    sinks[1].stopped = True
    both.write("frame") if what == "write" else both.idle()
    assert stop.is_set()


def test_a_sink_that_cannot_be_finished_leaves_none_open() -> None:
    sinks = FakeSink(), FakeSink(fails=True), FakeSink()
    with pytest.raises(OutputError, match="disk full"):
        tee(*sinks).close()
    assert all(sink.calls == ["closed"] for sink in sinks)


def test_there_may_be_no_sink_at_all() -> None:
    stop = threading.Event()
    none = tee(stop=stop)
    none.write("frame")
    none.idle()
    none.close()
    assert not stop.is_set()
