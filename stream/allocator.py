"""How memory is allocated: frames come and go, all of a few sizes."""

from __future__ import annotations

import contextlib
import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
_FRAME, _KEPT = 32 << 20, 128 << 20
"""Bytes: up to which an allocation comes from the heap, and how much of that may lie unused."""


def reuse_memory() -> None:
    """Let all threads that start from now on share a heap that keeps what is freed.

    Only glibc does otherwise, and only there is anything changed. It would give each thread a heap
    of its own. As frames are made by one thread and let go of by another, every heap would keep
    memory that another one is in need of: 30 MB at 1280 x 720. And it would give the memory of each
    frame back to the system, which has to clear it for the next one: a tenth of all the time.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has nothing of this
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_ARENA_MAX, 1)
            libc.mallopt(_M_MMAP_THRESHOLD, _FRAME)
            libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
