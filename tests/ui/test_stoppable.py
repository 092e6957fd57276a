from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from typing import Any

import gradio as gr
import pytest

from stream.errors import InputError
from ui.stoppable import gone, stoppable

Work = Generator[int, None, None]


def refuse(*, stop: threading.Event) -> Work:
    yield 1
    raise InputError("clip.mp4 is empty")


class Long:
    """Work that yields nothing until it is told to end, in a thread that says when it does so."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended: list[str] = []

    def __call__(self, *, stop: threading.Event) -> Work:
        try:
            self.begun.set()
            stop.wait()
            self.ended.append("told to stop")
            yield 1
        finally:
            self.ended.append(threading.current_thread().name)


def visitor(name: str = "one") -> gr.Request:
    return gr.Request(session_hash=name)


async def collect(steps: AsyncIterator[Any]) -> list[Any]:
    return [step async for step in steps]


def test_every_step_arrives_in_order() -> None:
    def three(*values: Any, stop: threading.Event) -> Work:
        yield from values

    assert asyncio.run(collect(stoppable(three)(visitor(), 1, 2, 3))) == [1, 2, 3]


def test_an_error_is_shown_in_the_page() -> None:
    with pytest.raises(gr.Error, match=r"clip\.mp4 is empty"):
        asyncio.run(collect(stoppable(refuse)(visitor())))


async def cancel_when_begun(work: Long) -> None:
    task = asyncio.create_task(collect(stoppable(work)(visitor())))
    await asyncio.to_thread(work.begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_work_is_told_to_stop_in_the_middle_of_a_step() -> None:
    work = Long()
    asyncio.run(cancel_when_begun(work))
    told, thread = work.ended
    assert told == "told to stop"
    assert thread != threading.main_thread().name  # which has the page to serve


def test_work_that_nobody_follows_any_more_is_ended() -> None:
    ended = threading.Event()

    def endless(*, stop: threading.Event) -> Work:
        try:
            while True:
                yield 1
        finally:
            assert stop.is_set()
            ended.set()

    async def leave_early() -> None:
        steps = stoppable(endless)(visitor())
        assert await anext(steps) == 1
        await steps.aclose()

    asyncio.run(leave_early())
    assert ended.is_set()


def test_a_visitor_who_leaves_ends_his_own_work_only() -> None:
    mine, others = Long(), Long()

    async def leave() -> list[bool]:
        tasks = [
            asyncio.create_task(collect(stoppable(work)(visitor(name))))
            for work, name in ((mine, "one"), (others, "another"))
        ]
        await asyncio.to_thread(mine.begun.wait)
        await asyncio.to_thread(others.begun.wait)
        await gone(visitor("one"))
        await tasks[0]
        done = [task.done() for task in tasks]
        await gone(visitor("another"))
        await tasks[1]
        return done

    assert asyncio.run(leave()) == [True, False]
