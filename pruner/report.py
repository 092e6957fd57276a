"""What pruning did: as a table, as JSON, and as a picture of the widths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pruner.cost import Cost
from pruner.groups import Branch, Group

if TYPE_CHECKING:
    from rich.table import Table

COLOURS = {
    Branch.BACKBONE: "#4c72b0",
    Branch.LR: "#dd8452",
    Branch.HR: "#55a868",
    Branch.FUSION: "#8172b3",
}


@dataclass(frozen=True)
class Size:
    """One of the two networks.

    Attributes:
        cost: Parameters and MACs.
        file_bytes: Size of its weights file.
        latency_ms: Median time of one inference, None if it was not measured.
    """

    cost: Cost
    file_bytes: int
    latency_ms: float | None = None


class Change(NamedTuple):
    """Width of one layer before and after; `48 + 48` for the two halves of an IBNorm."""

    layer: str
    branch: Branch
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class PruneReport:
    """What pruning did.

    Attributes:
        settings: How it was pruned: criterion, ratio, threshold, limits.
        groups: The groups of the network before.
        counts: Channels kept, by group name.
        before: The network before.
        after: The network after.
    """

    settings: Mapping[str, Any]
    groups: Mapping[str, Group]
    counts: Mapping[str, int]
    before: Size
    after: Size

    def changes(self) -> list[Change]:
        """One entry per layer: the groups, with the halves of an IBNorm together."""
        layers: dict[str, list[Group]] = {}
        for group in self.groups.values():
            layers.setdefault(group.name.partition(".")[0], []).append(group)
        return [
            Change(
                layer,
                parts[0].branch,
                tuple(part.width for part in parts),
                tuple(self.counts[part.name] for part in parts),
            )
            for layer, parts in layers.items()
        ]

    def to_json(self) -> str:
        """Everything, by name."""
        data = {
            "settings": dict(self.settings),
            "before": asdict(self.before),
            "after": asdict(self.after),
            "groups": {
                name: {
                    "branch": group.branch.value,
                    "before": group.width,
                    "after": self.counts[name],
                }
                for name, group in self.groups.items()
            },
        }
        return json.dumps(data, indent=2)

    def widths_table(self) -> Table:
        """Width of every layer, before and after."""
        from rich.table import Table

        table = Table("layer", "branch", title="channels")
        for heading in ("before", "after", "kept"):
            table.add_column(heading, justify="right")
        for layer, branch, before, after in self.changes():
            kept = f"{sum(after) / sum(before):.0%}"
            # Names hold brackets, which rich would read as markup.
            table.add_row(layer.replace("[", r"\["), branch.value, _sum(before), _sum(after), kept)
        return table

    def size_table(self) -> Table:
        """Parameters, MACs, bytes and latency, before and after."""
        from rich.table import Table

        table = Table("", title="network")
        for heading in ("before", "after", "smaller by"):
            table.add_column(heading, justify="right")
        width, height = self.before.cost.size_wh
        a, b = self.before, self.after
        rows = [
            ("parameters", a.cost.parameters / 1e6, b.cost.parameters / 1e6, "M"),
            (f"MACs at {width} x {height}", a.cost.macs / 1e9, b.cost.macs / 1e9, "G"),
            (
                "MACs with train-only heads",
                a.cost.macs_with_heads / 1e9,
                b.cost.macs_with_heads / 1e9,
                "G",
            ),
            ("activations", a.cost.activations / 1e6, b.cost.activations / 1e6, "M"),
            ("file", a.file_bytes / 1e6, b.file_bytes / 1e6, "MB"),
        ]
        if a.latency_ms is not None and b.latency_ms is not None:
            rows.append(("latency", a.latency_ms, b.latency_ms, "ms"))
        for name, before, after, unit in rows:
            ratio = f"{before / after:.2f} x"
            table.add_row(name, f"{before:.2f} {unit}", f"{after:.2f} {unit}", ratio)
        return table

    def draw(self, path: Path) -> None:
        """Write a picture: for every layer a bar of its width before, and in it the width after."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
        from matplotlib.ticker import ScalarFormatter

        changes = self.changes()
        names = [change.layer for change in changes]
        before = [sum(change.before) for change in changes]
        after = [sum(change.after) for change in changes]
        colours = [COLOURS[change.branch] for change in changes]
        figure = Figure(figsize=(8, 0.22 * len(changes) + 1.5), layout="constrained")
        axes = figure.subplots()
        axes.barh(names, before, color=colours, alpha=0.3)
        axes.barh(names, after, color=colours)
        for row, (old, new) in enumerate(zip(before, after, strict=True)):
            axes.annotate(
                f"{old} → {new}",
                (old, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                size=7,
            )
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.set_xlim(4, 2.5 * max(before))
        axes.invert_yaxis()
        axes.margins(y=0.01)
        axes.tick_params(axis="y", labelsize=7)
        axes.set_xlabel("channels (pale: before, full: after)")
        axes.set_title(
            f"{self.before.cost.parameters / 1e6:.2f} M parameters, "
            f"{self.before.cost.macs / 1e9:.2f} GMAC  →  "
            f"{self.after.cost.parameters / 1e6:.2f} M, {self.after.cost.macs / 1e9:.2f} GMAC",
            size=10,
        )
        handles = [Patch(color=colour, label=branch.value) for branch, colour in COLOURS.items()]
        axes.legend(handles=handles, loc="lower right", fontsize=8)
        figure.savefig(path, dpi=120)


def _sum(widths: tuple[int, ...]) -> str:
    return " + ".join(map(str, widths))
