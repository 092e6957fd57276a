"""Mean scores as a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from pruner.names import short_names
from pruner.scores import MEASURES, Scores

_FILE_WIDTH = 140


def table_console() -> Console:
    """Prints tables; into a file or a pipe they go as wide as they are."""
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    return console


def score_table(title: str, rows: Mapping[str, Scores]) -> Table:
    """One line per model; with several, the best value of each column is bold.

    The last column is the MSE in parts of the first model's.
    """
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column("model", overflow="fold")
    shown = [measure for measure in MEASURES if all(measure in row for row in rows.values())]
    for measure in shown:
        heading = MEASURES[measure].heading.replace(" ", "\n")  # numbers never wrap: eighty columns
        table.add_column(heading, justify="right", no_wrap=True)
    relative = "mse" in shown and len(rows) > 1
    if relative:
        table.add_column("x MSE", justify="right", no_wrap=True)
    names = short_names(rows)
    for model, row in rows.items():
        cells = [_cell(measure, row[measure], rows.values()) for measure in shown]
        if relative:
            first = next(iter(rows.values()))["mse"]
            cells.append(f"{row['mse'] / first:.3f}" if first else "")
        table.add_row(names[model], *cells)
    return table


def _cell(measure: str, value: float, rows: Collection[Scores]) -> str:
    _, decimals, more_is_better = MEASURES[measure]
    best = (max if more_is_better else min)(row[measure] for row in rows)
    text = f"{value:.{decimals}f}"
    return f"[bold]{text}[/bold]" if len(rows) > 1 and value == best else text
