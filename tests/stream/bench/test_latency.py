from __future__ import annotations

from pathlib import Path

import pytest

import stream.bench.latency
from stream.bench.latency import measure_latency, picture_of_size
from stream.bench.limit import CHAIN_MACS, Macs
from stream.bench.peers import Contender, PeerKind, PeerSpec
from stream.bench.rounds import Effort, Laps
from stream.errors import ModelError
from tests.clips import picture
from tests.tiny_ir import write_tiny_ir

SIZE_WH = (96, 64)
IMAGE = picture(SIZE_WH)
EFFORT = Effort(rounds=4, warm_up=1, seconds=60)


def no_skip(reason: str) -> None:
    raise AssertionError(reason)


@pytest.fixture
def models(tmp_path: Path) -> list[Contender]:
    return [Contender(str(write_tiny_ir(tmp_path / f"{name}.xml"))) for name in "ab"]


def test_every_model_has_a_row_with_as_many_times_as_there_were_rounds(
    models: list[Contender],
) -> None:
    rows = measure_latency(models, IMAGE, EFFORT, skip=no_skip)
    assert [row.name for row in rows] == [model.name for model in models]
    assert {row.size_wh for row in rows} == {SIZE_WH}
    assert {(row.wall.count, row.cpu.count) for row in rows} == {(4, 4)}
    assert rows[0].wall_speedup == rows[0].cpu_speedup == 1
    assert [row.macs for row in rows] == [0, 0]  # they only pick a channel
    assert [row.limit_ms for row in rows] == [0, 0]


def test_processor_time_is_taken_with_one_thread_and_wall_time_with_those_asked_for(
    models: list[Contender], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int | None] = []
    made = stream.bench.latency.EngineOptions

    def note(**options: object) -> object:
        threads.append(options["threads"])  # type: ignore[arg-type]
        return made(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(stream.bench.latency, "EngineOptions", note)
    measure_latency(models[:1], IMAGE, EFFORT, threads=2, skip=no_skip)
    assert threads == [1, 2]


def test_the_speed_of_the_chains_in_the_same_rounds_gives_the_limit(
    models: list[Contender], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_ms = {models[0].name: [100.0, 200.0], "f32 chain": [30.0, 60.0]}
    measured_ms["8-bit chain"] = [10.0, 20.0]
    monkeypatch.setattr(
        stream.bench.latency,
        "interleave",
        lambda tasks, effort: {name: Laps(measured_ms[name], measured_ms[name]) for name in tasks},
    )
    monkeypatch.setattr(stream.bench.latency, "chain_inference", lambda *, int8: lambda: None)
    counted = Macs(f32=CHAIN_MACS, int8=CHAIN_MACS)
    monkeypatch.setattr(stream.bench.latency, "count_macs", lambda network: counted)
    (row,) = measure_latency(models[:1], IMAGE, EFFORT, skip=no_skip)
    assert row.macs == 2 * CHAIN_MACS
    assert row.limit_ms == pytest.approx(60)
    assert row.reached == pytest.approx(0.4)


def test_a_peer_that_is_not_there_is_left_out_with_a_line(models: list[Contender]) -> None:
    skipped: dict[str, None] = {}
    peer = Contender(peer=PeerSpec(PeerKind.RVM, "nowhere.onnx"))
    rows = measure_latency([*models, peer], IMAGE, EFFORT, skip=skipped.setdefault)  # type: ignore[arg-type]
    assert len(rows) == 2
    assert list(skipped) == ["nowhere.onnx (RobustVideoMatting, ONNX Runtime): no such file"]


def test_a_model_of_ours_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ModelError):
        measure_latency([Contender("nowhere.xml")], IMAGE, EFFORT, skip=no_skip)


@pytest.mark.parametrize(
    ("asked", "given"), [((512, 288), (512, 288)), ((912, 512), (896, 512)), ((10, 10), (32, 32))]
)
def test_a_size_is_rounded_to_what_a_network_takes(
    asked: tuple[int, int], given: tuple[int, int]
) -> None:
    assert picture_of_size(IMAGE, asked).shape == (given[1], given[0], 3)
