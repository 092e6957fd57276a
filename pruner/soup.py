"""python -m pruner.soup: the mean of several trained networks, often better than each of them.

It helps where the networks are trainings of one another, or of the same start, and have the same
widths (Wortsman et al., "Model soups", ICML 2022).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pruner.command import exit_code, keep_existing
from pruner.errors import PrunerError

if TYPE_CHECKING:
    from models.modnet import MODNet


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.soup`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.soup", description=__doc__)
    add = parser.add_argument
    add("weights", nargs="+", type=Path, metavar="FILE", help="two or more .safetensors")
    add("--output", type=Path, required=True, metavar="FILE", help="the mean (.safetensors)")
    add("--force", action="store_true", help="replace --output if it is there")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return exit_code(run, argument_parser().parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Write the mean that the options ask for."""
    from models import checkpoint

    if len(options.weights) < 2:
        raise PrunerError("expected two files or more, got one")
    keep_existing([options.output], force=options.force)
    networks = [checkpoint.load(path) for path in options.weights]
    for path, network in zip(options.weights, networks, strict=True):
        if network.widths != networks[0].widths:
            raise PrunerError(f"{path}: has other widths than {options.weights[0]}")
    checkpoint.save(mean_network(networks), options.output)
    print(f"mean of {len(networks)} networks: {options.output}")


def mean_network(networks: Sequence[MODNet]) -> MODNet:
    """The network whose weights and statistics are the means of theirs, all alike in widths."""
    from torch.optim.swa_utils import AveragedModel

    mean = AveragedModel(networks[0], use_buffers=True)
    for network in networks:
        mean.update_parameters(network)
    return cast("MODNet", mean.module)


if __name__ == "__main__":
    sys.exit(main())
