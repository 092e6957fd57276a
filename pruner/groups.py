"""Which slices of which tensors belong to each width.

One group is one set of channels that can only be cut together: the filters that make them, their
norm, and the input side of everything that reads them. The groups are declared here and follow
from the widths alone; `_BRANCHES` below can be checked line by line against `models/modnet.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

from models.widths import IBNWidth, MODNetWidths

IMAGE_CHANNELS = 3


class Branch(Enum):
    """The part of the network that makes a group's channels."""

    BACKBONE = "backbone"
    LR = "low resolution"
    HR = "high resolution"
    FUSION = "fusion"


class Slice(NamedTuple):
    """Where channels lie: at `[offset, offset + group.width)` of dimension `dim` of `tensor`."""

    tensor: str
    dim: int
    offset: int


@dataclass(frozen=True)
class Group:
    """Channels that are cut together.

    Attributes:
        name: The width's place in `MODNetWidths`: `stem`, `hidden[3]`, `lr16x.batch`. Blocks that
            residual additions tie are one group, named as a slice: `blocks[1:3]` is blocks 1 and 2.
        branch: The part of the network that makes the channels.
        width: How many channels there are.
        slices: Every place they have in the state dict.
    """

    name: str
    branch: Branch
    width: int
    slices: tuple[Slice, ...]


class _Axis(NamedTuple):
    """A dimension of a tensor, and the widths whose channels it holds one after another."""

    tensor: str
    dim: int
    widths: tuple[str, ...]


class _Layer(NamedTuple):
    """A convolution with IBNorm: its output width (None for a head), its inputs as concatenated."""

    module: str
    output: str | None
    inputs: tuple[str, ...]


_GATE = (
    _Axis("lr_branch.se_block.fc.0.weight", 1, ("last",)),
    _Axis("lr_branch.se_block.fc.0.weight", 0, ("se",)),
    _Axis("lr_branch.se_block.fc.2.weight", 1, ("se",)),
    _Axis("lr_branch.se_block.fc.2.weight", 0, ("last",)),
)

_BRANCHES: dict[Branch, tuple[_Layer, ...]] = {
    Branch.LR: (
        _Layer("lr_branch.conv_lr16x", "lr16x", ("last",)),
        _Layer("lr_branch.conv_lr8x", "lr8x", ("lr16x",)),
        _Layer("lr_branch.conv_lr", None, ("lr8x",)),
    ),
    Branch.HR: (
        _Layer("hr_branch.tohr_enc2x", "enc2x", ("blocks[0]",)),
        _Layer("hr_branch.conv_enc2x", "down2x", ("image", "enc2x")),
        _Layer("hr_branch.tohr_enc4x", "enc4x", ("blocks[2]",)),
        _Layer("hr_branch.conv_enc4x", "mix4x", ("down2x", "enc4x")),
        _Layer("hr_branch.conv_hr4x.0", "hr4x[0]", ("mix4x", "lr8x", "image")),
        _Layer("hr_branch.conv_hr4x.1", "hr4x[1]", ("hr4x[0]",)),
        _Layer("hr_branch.conv_hr4x.2", "hr4x[2]", ("hr4x[1]",)),
        _Layer("hr_branch.conv_hr2x.0", "hr2x[0]", ("hr4x[2]", "enc2x")),
        _Layer("hr_branch.conv_hr2x.1", "hr2x[1]", ("hr2x[0]",)),
        _Layer("hr_branch.conv_hr2x.2", "hr2x[2]", ("hr2x[1]",)),
        _Layer("hr_branch.conv_hr2x.3", "hr2x[3]", ("hr2x[2]",)),
        _Layer("hr_branch.conv_hr.0", "detail", ("hr2x[3]", "image")),
        _Layer("hr_branch.conv_hr.1", None, ("detail",)),
    ),
    Branch.FUSION: (
        _Layer("f_branch.conv_lr4x", "lr4x", ("lr8x",)),
        _Layer("f_branch.conv_f2x", "f2x", ("lr4x", "hr2x[3]")),
        _Layer("f_branch.conv_f.0", "f", ("f2x", "image")),
        _Layer("f_branch.conv_f.1", None, ("f",)),
    ),
}


def groups(widths: MODNetWidths) -> dict[str, Group]:
    """Every group of a network that has channels, by name, in the order the image meets them."""
    parts = _parts(widths)
    slices: defaultdict[str, list[Slice]] = defaultdict(list)
    for tensor, dim, names in (*_backbone_axes(widths), *_GATE, *_branch_axes()):
        offset = 0
        for group, count in (part for name in names for part in parts[name]):
            if group != "image" and count:  # the network's input is not ours to cut
                slices[group].append(Slice(tensor, dim, offset))
            offset += count
    size = dict(part for several in parts.values() for part in several)
    branches = {layer.output: branch for branch, layer in _layers()} | {"se": Branch.LR}
    return {
        name: Group(
            name=name,
            branch=branches.get(name.partition(".")[0], Branch.BACKBONE),
            width=size[name],
            slices=tuple(places),
        )
        for name, places in slices.items()
    }


def resized(widths: MODNetWidths, counts: Mapping[str, int]) -> MODNetWidths:
    """The widths with other channel counts.

    Args:
        widths: The widths before.
        counts: New channel counts by group name; groups left out keep theirs.
    """
    size = {name: group.width for name, group in groups(widths).items()} | dict(counts)
    trunk = trunk_groups(widths)
    pairs: dict[str, Any] = {
        layer.output: IBNWidth(*(size.get(f"{layer.output}.{n}", 0) for n in ("batch", "instance")))
        for _, layer in _layers()
        if layer.output
    }
    return replace(
        widths,
        stem=size[trunk[0]],
        blocks=tuple(size[name] for name in trunk[1:]),
        hidden=tuple(size.get(f"hidden[{i}]") for i in range(len(widths.hidden))),
        last=size["last"],
        se=size["se"],
        hr4x=tuple(pairs.pop(f"hr4x[{i}]") for i in range(len(widths.hr4x))),
        hr2x=tuple(pairs.pop(f"hr2x[{i}]") for i in range(len(widths.hr2x))),
        **pairs,
    )


def trunk_groups(widths: MODNetWidths) -> tuple[str, ...]:
    """The groups of the stem's output and the blocks': 18 names, equal where additions tie them."""
    starts = [0, *(i + 1 for i, residual in enumerate(widths.residual) if not residual)]
    ends = [*starts[1:], len(widths.blocks) + 1]
    names: list[str] = []
    for start, end in zip(starts, ends, strict=True):
        names += [_run_name(start, end)] * (end - start)
    return tuple(names)


def _run_name(start: int, end: int) -> str:
    """Name of the trunk's outputs `[start, end)`, where 0 is the stem and i + 1 is block i."""
    if start == 0:
        return "stem" if end == 1 else f"stem+{_run_name(1, end)}"
    return f"blocks[{start - 1}]" if end == start + 1 else f"blocks[{start - 1}:{end - 1}]"


def _parts(widths: MODNetWidths) -> dict[str, tuple[tuple[str, int], ...]]:
    """What each width named in the tables consists of: (group, channels), one after another."""
    trunk = trunk_groups(widths)
    parts: dict[str, tuple[tuple[str, int], ...]] = {
        "image": (("image", IMAGE_CHANNELS),),
        "stem": ((trunk[0], widths.stem),),
        "last": (("last", widths.last),),
        "se": (("se", widths.se),),
    }
    for i, count in enumerate(widths.blocks):
        parts[f"blocks[{i}]"] = ((trunk[i + 1], count),)
    for i, hidden in enumerate(widths.hidden):
        if hidden is not None:
            parts[f"hidden[{i}]"] = ((f"hidden[{i}]", hidden),)
    for _, layer in _layers():
        if layer.output:
            pair = _ibn_width(widths, layer.output)
            batch = (f"{layer.output}.batch", pair.batch)
            instance = (f"{layer.output}.instance", pair.instance)
            parts |= {layer.output: (batch, instance), batch[0]: (batch,)}
    return parts


def _ibn_width(widths: MODNetWidths, name: str) -> IBNWidth:
    """The width called `lr16x`, or `hr4x[2]`."""
    field, _, index = name.removesuffix("]").partition("[")
    value = getattr(widths, field)
    pair: IBNWidth = value[int(index)] if index else value
    return pair


def _layers() -> Iterator[tuple[Branch, _Layer]]:
    return ((branch, layer) for branch, layers in _BRANCHES.items() for layer in layers)


def _batch_norm(module: str, width: str) -> Iterator[_Axis]:
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        yield _Axis(f"{module}.{tensor}", 0, (width,))


def _backbone_axes(widths: MODNetWidths) -> Iterator[_Axis]:
    features = "backbone.model.features"
    yield _Axis(f"{features}.0.0.weight", 0, ("stem",))
    yield from _batch_norm(f"{features}.0.1", "stem")
    source = "stem"
    for i, hidden in enumerate(widths.hidden):
        conv, inner, depthwise = f"{features}.{i + 1}.conv", source, 0
        if hidden is not None:
            inner, depthwise = f"hidden[{i}]", 3
            yield _Axis(f"{conv}.0.weight", 1, (source,))
            yield _Axis(f"{conv}.0.weight", 0, (inner,))
            yield from _batch_norm(f"{conv}.1", inner)
        # Without an expansion the depthwise filters run on the block's input itself.
        yield _Axis(f"{conv}.{depthwise}.weight", 0, (inner,))
        yield from _batch_norm(f"{conv}.{depthwise + 1}", inner)
        source = f"blocks[{i}]"
        yield _Axis(f"{conv}.{depthwise + 3}.weight", 1, (inner,))
        yield _Axis(f"{conv}.{depthwise + 3}.weight", 0, (source,))
        yield from _batch_norm(f"{conv}.{depthwise + 4}", source)
    yield _Axis(f"{features}.18.0.weight", 1, (source,))
    yield _Axis(f"{features}.18.0.weight", 0, ("last",))
    yield from _batch_norm(f"{features}.18.1", "last")


def _branch_axes() -> Iterator[_Axis]:
    for _, layer in _layers():
        yield _Axis(f"{layer.module}.layers.0.weight", 1, layer.inputs)
        if layer.output:
            yield _Axis(f"{layer.module}.layers.0.weight", 0, (layer.output,))
            yield _Axis(f"{layer.module}.layers.0.bias", 0, (layer.output,))
            # Only the first half has a batch norm; the other half's instance norm has no weights.
            yield from _batch_norm(f"{layer.module}.layers.1.bnorm", f"{layer.output}.batch")
