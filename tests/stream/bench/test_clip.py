from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

import pytest

from stream.bench.clip import ClipJob, ClipRun, measure_clip, run_in_fresh_process
from stream.bench.machine import Footprint
from stream.bench.peers import Contender, PeerKind, PeerSpec
from stream.errors import StreamError
from stream.stats import Timing

PEER = Contender(peer=PeerSpec(PeerKind.RVM, "rvm.onnx"))
JOB = ClipJob(
    contender=Contender("original"),
    clip="clip.mp4",
    background="room.jpg",
    output="out.mp4",
    size=288,
    threads=None,
    max_frames=None,
    seconds=60.0,
)
RUN = ClipRun(
    name="original",
    clip="clip.mp4",
    size=288,
    frame_size_wh=(64, 48),
    input_size_wh=(64, 64),
    frames=12,
    fps=10.0,
    cpu_ms=100.0,
    peak_memory_mb=200.0,
    latency=Timing(12, 5.0, 9.0),
    stages={"matting": Timing(12, 4.0, 8.0)},
    start_cpu_s=0.9,
    footprints=[Footprint(1, 150.0, 9, 20), Footprint(12, None, 9, None)],
)


@pytest.mark.parametrize("contender", [Contender("original"), PEER])
def test_a_job_is_the_same_in_the_process_that_does_it(contender: Contender) -> None:
    job = replace(JOB, contender=contender)
    assert ClipJob.from_json(job.to_json()) == job


def no_skip(reason: str) -> None:
    raise AssertionError(reason)


def test_the_networks_have_the_clip_in_turn_after_a_first_frame_each() -> None:
    done: list[tuple[str, int | None]] = []

    def run(job: ClipJob) -> ClipRun:
        done.append((job.contender.model, job.max_frames))
        return RUN

    jobs = [replace(JOB, contender=Contender(name)) for name in "ab"]
    rows = measure_clip(jobs, passes=2, skip=no_skip, run=run)
    assert done == [("a", 1), ("b", 1), ("a", None), ("b", None), ("a", None), ("b", None)]
    assert [row.runs for row in rows] == [2, 2]


def test_the_run_with_the_median_processor_time_is_quoted_and_ratios_are_taken_per_turn() -> None:
    cpu_ms = {"a": iter((0.0, 100.0, 800.0, 120.0)), "b": iter((0.0, 50.0, 400.0, 60.0))}

    def run(job: ClipJob) -> ClipRun:
        name = job.contender.model
        taken_ms = next(cpu_ms[name])
        return replace(RUN, name=name, cpu_ms=taken_ms, fps=1e3 / max(1.0, taken_ms))

    jobs = [replace(JOB, contender=Contender(name)) for name in "ab"]
    first, other = measure_clip(jobs, passes=3, skip=no_skip, run=run)
    assert (first.typical.cpu_ms, other.typical.cpu_ms) == (120, 60)
    assert (first.cpu_speedup, other.cpu_speedup) == (1, 2)
    assert (first.fps_speedup, other.fps_speedup) == (1, pytest.approx(2))


def fails_for_peers(job: ClipJob) -> ClipRun:
    if job.contender.peer is not None:
        raise StreamError("rvm.onnx: no such file")
    return RUN


def test_a_peer_that_cannot_run_is_left_out_with_a_line() -> None:
    skipped: list[str] = []
    jobs = [JOB, replace(JOB, contender=PEER)]
    rows = measure_clip(jobs, passes=1, skip=skipped.append, run=fails_for_peers)
    assert [row.typical.name for row in rows] == ["original"]
    assert skipped == ["rvm.onnx: no such file"]


def test_a_model_of_ours_that_cannot_run_is_an_error() -> None:
    def run(job: ClipJob) -> ClipRun:
        raise StreamError("damaged")

    with pytest.raises(StreamError, match="damaged"):
        measure_clip([JOB], passes=1, skip=no_skip, run=run)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_process_tells_when_its_first_frame_came_and_what_the_run_came_to() -> None:
    result = json.dumps(asdict(RUN))
    code = f"print('noise'); print('{{}}', flush=True); print('''{result}''')"
    run = run_in_fresh_process(JOB, command=python(code))
    assert run.start_s > 0
    assert replace(run, start_s=RUN.start_s) == RUN


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('error: no model is called that\\nhint: none')", "no model is"),
        ("import sys; sys.exit('error: original is damaged')", "^original is damaged$"),
        ("1 / 0", "original: ZeroDivisionError"),
        ("print('{}')", "ended without a word"),
    ],
)
def test_a_process_that_fails_gives_its_reason(code: str, said: str) -> None:
    with pytest.raises(StreamError, match=said):
        run_in_fresh_process(JOB, command=python(code))
