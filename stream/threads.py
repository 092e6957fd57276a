"""The one place where threads start and end.

`Workers` runs iterables ahead of whoever consumes them, each in a thread of its own. Between a
worker and its consumer lies a `Handoff`: a bounded queue that either side can end without leaving
the other one waiting.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_S = 0.1
"""How soon a blocked thread sees a stop event that was set without waking it, as signals do."""

_log = logging.getLogger(__name__)


class Overflow(enum.Enum):
    """What a full handoff does with one item more."""

    WAIT = enum.auto()
    """The producer waits: nothing is lost."""

    DROP_OLDEST = enum.auto()
    """The oldest waiting item is thrown away: the newest wins."""


class Handoff(Generic[T]):
    """A bounded queue between two threads: one calls `put` and at last `end`, the other iterates.

    Args:
        capacity: How many items may wait, at least 1.
        overflow: What happens to one item more.
        cancelled: Whether nobody wants the items any more; both sides then stop. After a change
            call `wake`.
        on_drop: Called in the producer's thread with each item that is thrown away.
        on_idle: Called in the consumer's thread again and again while it waits for an item.
    """

    def __init__(
        self,
        *,
        capacity: int = 1,
        overflow: Overflow = Overflow.WAIT,
        cancelled: Callable[[], bool] = lambda: False,
        on_drop: Callable[[T], None] = lambda item: None,
        on_idle: Callable[[], None] = lambda: None,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a handoff holds at least 1 item, got capacity={capacity}")
        self._capacity = capacity
        self._overflow = overflow
        self._cancelled = cancelled
        self._on_drop = on_drop
        self._on_idle = on_idle
        self._items: deque[T] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Hand one item over; False when nobody wants items any more."""
        with self._changed:
            if self._overflow is Overflow.WAIT:
                while len(self._items) == self._capacity and not self._cancelled():
                    self._changed.wait(_POLL_S)
            if self._cancelled():
                return False
            if len(self._items) == self._capacity:
                self._on_drop(self._items.popleft())
            self._items.append(item)
            self._changed.notify_all()
        return True

    def end(self, error: BaseException | None = None) -> None:
        """No more items will come: the consumer gets those that wait, then the error, if any."""
        with self._changed:
            self._ended = True
            self._error = error
            self._changed.notify_all()

    def wake(self) -> None:
        """Make both sides look at `cancelled` at once."""
        with self._changed:
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while not self._wait_for_change():
            self._on_idle()
        with self._changed:
            if self._cancelled():
                raise StopIteration
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            error, self._error = self._error, None
        if error is None:
            raise StopIteration
        try:
            raise error
        finally:
            del error  # a frame that holds its own traceback would keep every picture in it alive

    def _wait_for_change(self) -> bool:
        """Wait a moment; whether there is something for the consumer now."""
        with self._changed:
            return self._changed.wait_for(
                lambda: bool(self._items) or self._ended or self._cancelled(), _POLL_S
            )


class Workers:
    """Starts threads that run ahead of their consumer, and ends all of them on exit.

    A worker's exception is raised again in its consumer, after the items that came before it.

    Args:
        stop: Ends everything when set, by whomever: a signal handler, a window, another thread.
        join_timeout_s: How long leaving the `with` block waits for the threads, in seconds. One
            that does not stop in time, held by a driver, is named in a warning and left behind.
    """

    def __init__(
        self, *, stop: threading.Event | None = None, join_timeout_s: float = 10.0
    ) -> None:
        self._stop = stop or threading.Event()
        self._join_timeout_s = join_timeout_s
        self._cancelled = False
        self._threads: list[threading.Thread] = []
        self._wakers: list[Callable[[], None]] = []

    def iterate(
        self,
        items: Iterable[T],
        *,
        name: str,
        capacity: int = 1,
        overflow: Overflow = Overflow.WAIT,
        on_drop: Callable[[T], None] = lambda item: None,
        on_idle: Callable[[], None] = lambda: None,
    ) -> Iterator[T]:
        """Iterate over `items` in a new thread, up to `capacity` ahead of the returned iterator.

        Args:
            items: What to run through. A generator is also closed in that thread, so that what it
                holds is released even when the consumer leaves early.
            name: Of the thread, for messages.
            capacity: How many items may wait for the consumer.
            overflow: What happens when more of them would.
            on_drop: Called with each item that is thrown away.
            on_idle: Called in the consumer's thread again and again while it waits for an item.
        """
        handoff = Handoff[T](
            capacity=capacity,
            overflow=overflow,
            cancelled=self._is_cancelled,
            on_drop=on_drop,
            on_idle=on_idle,
        )
        # A daemon, so that a thread that hangs in a driver cannot keep the program from ending.
        thread = threading.Thread(target=self._pump, args=(items, handoff), name=name, daemon=True)
        self._threads.append(thread)
        self._wakers.append(handoff.wake)
        thread.start()
        return handoff

    def cancel(self) -> None:
        """End every handoff; blocked workers and consumers return at once."""
        self._cancelled = True
        for wake in self._wakers:
            wake()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        deadline = time.monotonic() + self._join_timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _log.warning(
                    "the thread '%s' did not stop within %g s", thread.name, self._join_timeout_s
                )

    def _is_cancelled(self) -> bool:
        return self._cancelled or self._stop.is_set()

    def _pump(self, items: Iterable[T], handoff: Handoff[T]) -> None:
        try:
            with _closing(iter(items)) as iterator:
                for item in iterator:
                    if not handoff.put(item):
                        break
        except BaseException as error:  # whatever it is, it belongs to the consumer
            if self._is_cancelled():
                name = threading.current_thread().name
                _log.warning("%s failed while it was being stopped: %s", name, error)
            handoff.end(error)
        else:
            handoff.end()


@contextlib.contextmanager
def _closing(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """Close a generator on the way out; other iterators have nothing to close."""
    try:
        yield iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
