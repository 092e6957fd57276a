#!/usr/bin/env python3
"""Make a smaller MODNet of a larger one: cut the channels that matter least."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# Nothing else of ours is imported up here: torch takes seconds that --help can spare.
from pruner.arguments import argument_parser
from pruner.command import exit_code, keep_existing
from pruner.errors import PrunerError

if TYPE_CHECKING:
    from models.modnet import MODNet
    from pruner.compress import Compressed, Wish
    from pruner.report import PruneReport, Size


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return exit_code(_run, argument_parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> None:
    from models.checkpoint import save
    from pruner.compress import compress
    from pruner.published import load_network
    from pruner.report import PruneReport

    _check_outputs(options)
    model = load_network(options.weights, options.prune_info)
    before = _size(model, options.weights, options)
    if options.target_latency is not None:
        print("measuring a dozen networks; this takes minutes", file=sys.stderr)
    result = compress(model, _wish(options))
    settings = _settings(options, result)
    save(
        result.model,
        options.output,
        half=_fits_half(result.model),
        notes={name: str(value) for name, value in settings.items()},
    )
    report = PruneReport(
        settings=settings,
        groups=result.groups,
        counts=result.counts,
        before=before,
        after=_size(result.model, options.output, options),
    )
    if options.report:
        options.report.write_text(report.to_json() + "\n", encoding="utf-8")
    if options.picture:
        report.draw(options.picture)
    _print(report, options)


def _wish(options: argparse.Namespace) -> Wish:
    from pruner.compress import Wish
    from pruner.policy import MIN_KEEP, Limits

    min_keep = MIN_KEEP if options.min_keep is None else options.min_keep
    return Wish(
        ratio=options.ratio,
        threshold=options.threshold,
        policy=options.policy,
        criterion=options.importance,
        data=options.data,
        limits=Limits(dict(options.keep), min_keep),
        max_macs=options.target_macs,
        max_parameters=options.target_params,
        max_activations=options.target_activations,
        max_latency_ms=options.target_latency,
        size_wh=options.size,
        device=options.device,
        inherit=options.weight_replace,
        seed=options.seed,
    )


def _settings(options: argparse.Namespace, result: Compressed) -> dict[str, object]:
    """What the report and the header of the weights file tell about the pruning."""
    return {
        "pruned_from": options.weights.name,
        "ratio": result.ratio,
        "threshold": result.threshold,
        "policy": options.policy,
        "importance": options.importance,
        "keep": dict(options.keep),
        "inherited": options.weight_replace,
    }


def _size(model: MODNet, file: Path, options: argparse.Namespace) -> Size:
    from pruner.cost import cost
    from pruner.latency import measure_latency
    from pruner.report import Size

    latency_ms = None
    if options.latency or options.target_latency is not None:
        latency_ms = measure_latency(model, size_wh=options.size, device=options.device)
    return Size(cost(model.widths, options.size), file.stat().st_size, latency_ms)


def _fits_half(model: MODNet) -> bool:
    """Whether float16 holds every weight exactly, since the weights came from a float16 file."""
    tensors = (tensor for tensor in model.state_dict().values() if tensor.is_floating_point())
    return all(bool((tensor == tensor.half()).all()) for tensor in tensors)


def _check_outputs(options: argparse.Namespace) -> None:
    """Make the folders, and refuse to replace files, before any work is done."""
    written = [path for path in (options.output, options.report, options.picture) if path]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and options.weights.exists() and path.samefile(options.weights):
            raise PrunerError(f"{path} is the network to be pruned: choose another name")
    keep_existing(written, force=options.force)


def _print(report: PruneReport, options: argparse.Namespace) -> None:
    """The tables, and what to type next."""
    from rich.console import Console

    console = Console()
    if options.verbose:
        console.print(report.widths_table())
    console.print(report.size_table())
    ratio, threshold = report.settings["ratio"], report.settings["threshold"]
    backbone = "greedy" if threshold is None else f"threshold {threshold:g}"
    print(f"ratio {ratio:g}, {backbone}: wrote {options.output}")
    print("next, retrain it:")
    for line in _retraining(options):
        print(f"  python -m pruner.train {line}")


def _retraining(options: argparse.Namespace) -> list[str]:
    """The trainings that fit: where people are first, then everything."""
    after = "--data YOUR_DATA --output out/retrained"
    if not options.weight_replace:
        return [f"scratch --weights {options.output} {after}"]
    return [
        f"semantic --weights {options.output} --recalibrate --data YOUR_DATA --output out/semantic",
        f"finetune --weights out/semantic/best.safetensors {after}",
    ]


if __name__ == "__main__":
    sys.exit(main())
