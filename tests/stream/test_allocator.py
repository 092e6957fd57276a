import subprocess
import sys
from pathlib import Path

import pytest

FROM_FOUR_THREADS = """
import ctypes, sys, threading
if "shared" in sys.argv:
    from stream.allocator import share_one_heap
    share_one_heap()
together = threading.Barrier(4)
def allocate():
    kept = [bytes(10_000) for _ in range(10)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives each thread a heap")
def test_all_threads_allocate_from_one_heap() -> None:
    def heaps(*how: str) -> int:
        root = Path(__file__).parents[2]
        command = [sys.executable, "-c", FROM_FOUR_THREADS, *how]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return done.stderr.count("Arena ")

    assert heaps("each its own") > 1
    assert heaps("shared") == 1
