"""Every channel count of a MODNet, by name. No torch: what runs the network may read it too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple


class IBNWidth(NamedTuple):
    """Channels of one IBNorm: the first `batch` have batch norm, the `instance` after them IN."""

    batch: int
    instance: int

    @property
    def total(self) -> int:
        """Channels of the convolution in front of the norm."""
        return self.batch + self.instance


@dataclass(frozen=True)
class MODNetWidths:
    """Channel counts of the network. The defaults are the published MODNet (6.49 M parameters).

    Attributes:
        stem: Output of the backbone's first convolution.
        blocks: Outputs of the 17 inverted-residual blocks of MobileNetV2.
        hidden: Expanded width inside each block; None where a block has no expansion convolution.
        residual: Whether each block adds its input to its output. Stated, not derived from equal
            widths: pruning may make two widths equal by chance, and must not add a connection with
            that.
        last: Output of the backbone's last 1x1 convolution.
        se: Hidden units of the squeeze-and-excitation gate.
        lr16x, lr8x: Low-resolution branch at 1/16 and 1/8.
        enc2x, enc4x: The 1x1 projections of the backbone's 1/2 and 1/4 features.
        down2x: The strided convolution from 1/2 to 1/4 in the high-resolution branch.
        mix4x: The convolution over `down2x` and `enc4x`.
        hr4x, hr2x: The stacks of three and four convolutions of the high-resolution branch.
        detail: The train-only detail head.
        lr4x, f2x, f: Fusion branch at 1/4, 1/2 and full size.
    """

    stem: int = 32
    blocks: tuple[int, ...] = (16, 24, 24, 32, 32, 32, *[64] * 4, *[96] * 3, *[160] * 3, 320)
    hidden: tuple[int | None, ...] = (
        *(None, 96, 144, 144, 192, 192, 192),
        *(384, 384, 384, 384, 576, 576, 576, 960, 960, 960),
    )
    residual: tuple[bool, ...] = tuple(i in {2, 4, 5, 7, 8, 9, 11, 12, 14, 15} for i in range(17))
    last: int = 1280
    se: int = 320
    lr16x: IBNWidth = IBNWidth(48, 48)
    lr8x: IBNWidth = IBNWidth(16, 16)
    enc2x: IBNWidth = IBNWidth(16, 16)
    enc4x: IBNWidth = IBNWidth(16, 16)
    down2x: IBNWidth = IBNWidth(16, 16)
    mix4x: IBNWidth = IBNWidth(32, 32)
    hr4x: tuple[IBNWidth, ...] = (IBNWidth(32, 32), IBNWidth(32, 32), IBNWidth(16, 16))
    hr2x: tuple[IBNWidth, ...] = (
        *(IBNWidth(32, 32), IBNWidth(16, 16)),
        *(IBNWidth(16, 16), IBNWidth(16, 16)),
    )
    detail: IBNWidth = IBNWidth(16, 16)
    lr4x: IBNWidth = IBNWidth(16, 16)
    f2x: IBNWidth = IBNWidth(16, 16)
    f: IBNWidth = IBNWidth(8, 8)

    def __post_init__(self) -> None:
        for name, count in (
            ("blocks", 17),
            ("hidden", 17),
            ("residual", 17),
            ("hr4x", 3),
            ("hr2x", 4),
        ):
            if (got := len(getattr(self, name))) != count:
                raise ValueError(f"widths: {name} needs {count} entries, got {got}")
        inputs = (self.stem, *self.blocks[:-1])
        for i, (width_in, width_out) in enumerate(zip(inputs, self.blocks, strict=True)):
            if self.residual[i] and width_in != width_out:
                raise ValueError(
                    f"widths: block {i} adds its input, so both need one width; "
                    f"got {width_in} and {width_out}"
                )

    def to_json(self) -> str:
        """The widths as one line of JSON, for the header of a checkpoint."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> MODNetWidths:
        """Read what `to_json` wrote.

        Raises:
            ValueError: Not JSON, an unknown name, or counts that do not fit together.
        """
        data = json.loads(text)
        if not isinstance(data, Mapping):
            raise ValueError(f"widths: expected an object, got {type(data).__name__}")
        known = {field.name: field for field in fields(cls)}
        if unknown := sorted(set(data) - set(known)):
            raise ValueError(f"widths: unknown names {', '.join(unknown)}")
        return cls(
            **{name: _from_json_value(getattr(cls(), name), value) for name, value in data.items()}
        )


def _from_json_value(like: Any, value: Any) -> Any:
    """Give a JSON value the type that `like` has: JSON knows lists only."""
    if isinstance(like, IBNWidth):
        return IBNWidth(*map(int, value))
    if isinstance(like, tuple) and isinstance(like[0], IBNWidth):
        return tuple(IBNWidth(*map(int, pair)) for pair in value)
    return tuple(value) if isinstance(like, tuple) else int(value)
