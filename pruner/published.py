"""Reads what the published pruning code writes: a JSON of channel counts and a checkpoint.

The code is MODNet-ModelCompression (sisyphus-cv-lab). Its networks differ from MODNet's layout in
three ways, all of which `MODNetWidths` can say: an addition is wherever stride and widths allow
one, a block whose expansion is 1 has no expansion convolution, and the gate's hidden width is a
quarter of the last one. Its checkpoints name the first and the last convolution `N.cbr.M`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.checkpoint import load, load_official
from models.mobilenetv2 import STRIDES
from models.modnet import MODNet
from models.widths import IBNWidth, MODNetWidths
from pruner.errors import PrunerError

HR_CHANNELS = 32
"""Width of the original's high-resolution branch, which `ratio` scales."""

SE_REDUCTION = 4


def load_network(path: Path, info: Path | None = None) -> MODNet:
    """Read a network of any origin.

    Args:
        path: `.safetensors` as this project writes it; else a published checkpoint, of MODNet or
            of the pruning code, with or without `module.` before its names.
        info: The pruning code's JSON. By default the one beside the checkpoint, of the same name;
            without any, the checkpoint must have MODNet's own widths.

    Returns:
        The network in float32 and evaluation mode.

    Raises:
        CheckpointError: Not a checkpoint, or tensors that do not fit the widths.
        PrunerError: A JSON that cannot be used.
    """
    beside = path.with_suffix(".json")
    if path.suffix == ".safetensors" and info is None:
        return load(path)
    if info is None and path.is_file() and beside.is_file():
        info = beside
    widths = MODNetWidths() if info is None else read_widths(info)
    return load_official(path, widths)


def read_widths(path: Path) -> MODNetWidths:
    """Widths from the JSON that lies beside a published pruned checkpoint.

    Raises:
        PrunerError: No such file, not that JSON, or counts that do not fit together.
    """
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PrunerError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise PrunerError(f"{path}: not JSON ({error})") from error
    try:
        return _widths(info)
    except KeyError as error:
        raise PrunerError(f"{path}: {error} is missing; is it the pruning code's JSON?") from error
    except (TypeError, ValueError) as error:
        raise PrunerError(f"{path}: not the pruning code's channel counts ({error})") from error


def _widths(info: Mapping[str, Any]) -> MODNetWidths:
    """The network that the published code builds for this JSON.

    Args:
        info: `ratio`; `new_cfg`, the outputs of the stem, the 17 blocks and the last convolution;
            `new_expansion_cfg`, each block's hidden width over its input; `new_lr_channels`, lr8x
            and lr16x. `new_hr_channels` and `new_f_channels` repeat counts of the others.
    """
    stem, *blocks, last = (int(count) for count in info["new_cfg"])
    expansions = list(info["new_expansion_cfg"])
    if (len(blocks), len(expansions)) != (17, 17):
        raise ValueError(
            f"expected 19 outputs and 17 expansions, got {len(blocks) + 2} and {len(expansions)}"
        )
    lr8x, lr16x = (int(count) for count in info["new_lr_channels"])
    repeated = [*info["new_hr_channels"], *info["new_f_channels"]]
    if repeated != (expected := [blocks[0], blocks[2], lr8x]):
        raise ValueError(f"new_hr_channels and new_f_channels should be {expected}, got {repeated}")
    inputs = (stem, *blocks[:-1])
    hr = int(HR_CHANNELS * (1 - info["ratio"]))
    hidden = tuple(
        None if expansion == 1 else round(width * expansion)
        for width, expansion in zip(inputs, expansions, strict=True)
    )
    if min(stem, *blocks, last, lr8x, lr16x, hr // 2, *(h for h in hidden if h is not None)) < 1:
        raise ValueError("a width of zero: this pruning was too strong to leave a network")
    return replace(
        _branches(hr, lr8x=lr8x, lr16x=lr16x),
        stem=stem,
        blocks=tuple(blocks),
        hidden=hidden,
        residual=tuple(
            stride == 1 and width_in == width_out
            for stride, width_in, width_out in zip(STRIDES, inputs, blocks, strict=True)
        ),
        last=last,
        se=last // SE_REDUCTION,
    )


def _branches(hr: int, *, lr8x: int, lr16x: int) -> MODNetWidths:
    """MODNet's backbone, and after it branches of these widths."""
    return MODNetWidths(
        lr16x=_halves(lr16x),
        lr8x=_halves(lr8x),
        enc2x=_halves(hr),
        enc4x=_halves(hr),
        down2x=_halves(hr),
        mix4x=_halves(2 * hr),
        hr4x=(_halves(2 * hr), _halves(2 * hr), _halves(hr)),
        hr2x=(_halves(2 * hr), _halves(hr), _halves(hr), _halves(hr)),
        detail=_halves(hr),
        lr4x=_halves(hr),
        f2x=_halves(hr),
        f=_halves(hr // 2),
    )


def _halves(channels: int) -> IBNWidth:
    """The published IBNorm: of an odd number of channels the instance half has one more."""
    return IBNWidth(channels // 2, channels - channels // 2)
