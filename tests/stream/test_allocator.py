import subprocess
import sys
from pathlib import Path

import pytest

FROM_FOUR_THREADS = """
import ctypes, sys, threading
if "shared" in sys.argv:
    from stream.allocator import reuse_memory
    reuse_memory()
together = threading.Barrier(4)
def allocate():
    kept = [bytes(10_000) for _ in range(10)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""

FRAMES_THAT_COME_AND_GO = """
import resource, sys
if "shared" in sys.argv:
    from stream.allocator import reuse_memory
    reuse_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def frames(): return [bytearray(size << 20) for size in (1, 3, 9)]
frames()
before = faults()
for _ in range(20): frames()
print(faults() - before)
"""


def run(program: str, *how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *how]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives frames back at once")
def test_the_memory_of_frames_is_kept_for_the_next_ones() -> None:
    given_back, kept = (
        int(run(FRAMES_THAT_COME_AND_GO, how).stdout) for how in ("each anew", "shared")
    )
    assert kept < given_back / 10


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives each thread a heap")
def test_all_threads_allocate_from_one_heap() -> None:
    def heaps(*how: str) -> int:
        return run(FROM_FOUR_THREADS, *how).stderr.count("Arena ")

    assert heaps("each its own") > 1
    assert heaps("shared") == 1
