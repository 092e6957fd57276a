"""The benchmark's results as tables for a terminal, which are Markdown as well."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table

from stream.bench.clip import ClipRow, ClipRun
from stream.bench.latency import LatencyRow
from stream.bench.layers import Layer, LayerTable
from stream.bench.machine import Machine
from stream.bench.results import Results
from stream.stats import Timing

_STAGES = (
    "Its stages in ms, median / 95 %; stages overlap, and several frames are being matted at once"
)
_TOP_LAYERS = 15
_LEAST_SHARE = 0.001
_WIDTH = 200
"""Wider than a terminal: a table that is cut off is worth less than one that wraps."""


def print_results(results: Results, console: Console | None = None) -> None:
    """Print what was measured, where, and how far to trust it."""
    console = console or Console(width=_WIDTH, highlight=False, markup=False, emoji=False)
    console.print(f"{_machine(results.machine)}\n")
    for size_wh, rows in groupby(results.latency, key=lambda row: row.size_wh):
        _print_table(console, f"One inference at {_size(size_wh)}", _latency_table(list(rows)))
    for title, clip_rows in groupby(results.clips, key=_clip_title):
        group = list(clip_rows)
        _print_table(console, title, _clip_table(group))
        _print_table(console, _STAGES, _stage_table(group))
    for run in results.endurance:
        title = f"{run.name} runs {_clip(run)} again and again: {run.fps:.1f} fps"
        _print_table(console, title, _endurance_table(run))
    if results.layers is not None:
        _print_layers(console, results.layers)
    for line in results.skipped:
        console.print(f"skipped: {line}", soft_wrap=True)
    console.print(results.note, soft_wrap=True)


def _print_table(console: Console, title: str, table: Table) -> None:
    console.print(title)
    console.print(table)  # with an empty line before and after it, as Markdown wants


def _machine(machine: Machine) -> str:
    load = "" if machine.load is None else f", {machine.load:.1f} threads busy before the start"
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"{machine.cpu}, {machine.cores} cores{load}; {machine.system}\n"
        f"{versions}; computes with {', '.join(machine.capabilities)}"
    )


def _table(*columns: str) -> Table:
    table = Table(box=box.MARKDOWN)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _latency_table(rows: Sequence[LatencyRow]) -> Table:
    cpu = "CPU ms, 1 thread", "95 % within", "speed-up"
    wall = "wall ms, all threads", "95 % within", "speed-up"
    table = _table("network", *cpu, *wall, "GMACs", "limit ms", "limit reached")
    for row in rows:
        table.add_row(
            row.name,
            *(_ms(row.cpu.median_ms), _ms(row.cpu.p95_ms), _ratio(row.cpu_speedup)),
            *(_ms(row.wall.median_ms), _ms(row.wall.p95_ms), _ratio(row.wall_speedup)),
            "" if row.macs is None else f"{row.macs / 1e9:.2f}",
            "" if row.limit_ms is None else _ms(row.limit_ms),
            "" if row.reached is None else f"{row.reached:.0%}",
        )
    return table


def _clip_title(row: ClipRow) -> str:
    return f"Whole runs: {_clip(row.typical)}"


def _clip(run: ClipRun) -> str:
    return f"{run.clip}, {_size(run.frame_size_wh)}, --size {run.size}{run.conditions}"


def _clip_table(rows: Sequence[ClipRow]) -> Table:
    rates = "fps", "speed-up", "CPU ms/frame", "speed-up"
    table = _table(
        "network", *rates, "start s", "start CPU s", "peak MB", "frames", "dropped", "input"
    )
    for row in rows:
        run = row.typical
        table.add_row(
            run.name,
            *(f"{run.fps:.1f}", _ratio(row.fps_speedup)),
            *(_ms(run.cpu_ms), _ratio(row.cpu_speedup)),
            f"{run.start_s:.2f}",
            f"{run.start_cpu_s:.2f}",
            _mb(run.peak_memory_mb),
            str(run.frames),
            str(run.dropped),
            "" if run.input_size_wh is None else _size(run.input_size_wh),
        )
    return table


def _stage_table(rows: Sequence[ClipRow]) -> Table:
    stages = list(dict.fromkeys(stage for row in rows for stage in row.typical.stages))
    table = _table("network", *stages, "end to end")
    for row in rows:
        run = row.typical
        times = [*(run.stages.get(stage) for stage in stages), run.latency]
        table.add_row(run.name, *("" if each is None else _timing(each) for each in times))
    return table


def _endurance_table(run: ClipRun) -> Table:
    table = _table("frames", "MB", "threads", "open files")
    for seen in run.footprints:
        files = "" if seen.open_files is None else str(seen.open_files)
        table.add_row(str(seen.frames), _mb(seen.memory_mb), str(seen.threads), files)
    return table


def _print_layers(console: Console, found: LayerTable) -> None:
    title = f"{found.model} at {_size(found.size_wh)}, one thread: {found.total_ms:.1f} ms"
    _print_table(console, f"{title}, by kind", _layer_table(found.kinds))
    slowest = found.layers[:_TOP_LAYERS]
    _print_table(console, f"Its {len(slowest)} slowest layers", _layer_table(slowest))


def _layer_table(layers: Sequence[Layer]) -> Table:
    table = _table("layer", "kind", "precision", "ms", "share")
    for layer in (layer for layer in layers if layer.share >= _LEAST_SHARE):
        times = f"{layer.ms:.2f}", f"{layer.share:.1%}"
        table.add_row(layer.name, layer.kind, layer.precision, *times)
    return table


def _timing(timing: Timing) -> str:
    return f"{_ms(timing.median_ms)} / {_ms(timing.p95_ms)}"


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f}"


def _mb(megabytes: float | None) -> str:
    return "" if megabytes is None else f"{megabytes:.0f}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}"


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"
