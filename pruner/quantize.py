"""Makes an 8-bit model of an exported one, calibrated on real pictures.

Convolutions compute with 8 bits; instance norms, the first layers and the last ones stay float, and
so does, layer by layer, what loses more than --max-drop. It prints how far the mattes moved and
writes the model into the list that --model reads.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pruner.command import exit_code, keep_existing
from pruner.errors import PrunerError, PrunerUsageError
from pruner.export import WEIGHTS, how_to_use, stem_of
from pruner.option_types import add_size, whole

if TYPE_CHECKING:
    from pruner.manifest import ModelEntry

MAX_GROWTH = 0.05
MAX_MAD = 0.005
"""Default of --max-drop with true mattes and without."""

CHECKED = 24
"""At most so many pictures are held back for the check where there are no true mattes."""


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.quantize`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.quantize", description=__doc__)
    add = parser.add_argument
    add("--name", required=True, help="the model, as --model calls it: original, pruned, ...")
    add("--output-name", help="what the 8-bit one shall be called (default: NAME-int8)")
    add(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="real pictures to calibrate on, of all kinds: a folder of them, or image/ + alpha/",
    )
    add("--val", type=Path, metavar="DIR", help="pictures with true mattes, to check the loss on")
    add(
        "--max-drop",
        type=float,
        metavar="X",
        help=f"with --val, by which share MSE and MAD may grow (default: {MAX_GROWTH}); without, "
        f"how far mattes may move on average, of 1 (default: {MAX_MAD})",
    )
    add_size(parser)
    add("--subset", type=whole(1), default=128, metavar="N", help="pictures used of --data")
    add("--val-limit", type=whole(1), metavar="N", help="so many pictures of --val at most")
    add("--output-dir", type=Path, default=WEIGHTS, metavar="DIR", help="(default: models/weights)")
    add("--json", type=Path, metavar="FILE", help="write what is printed")
    add("--force", action="store_true", help="replace files that exist")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return exit_code(run, argument_parser().parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Quantise as the options say."""
    from pruner import manifest

    models = manifest.read(options.output_dir)["models"]
    if options.name not in models:
        raise PrunerUsageError(
            f"--name: no model {options.name!r} in {options.output_dir}; "
            f"there are {', '.join(models) or 'none'}"
        )
    entry = manifest.ModelEntry(**models[options.name])
    if entry.precision != "FP16":
        raise PrunerUsageError(f"--name: {options.name} is {entry.precision} already")
    name = options.output_name or f"{options.name}-int8"
    stem = stem_of(name) if options.output_name else f"{Path(entry.ir).stem}_int8"
    written = (options.output_dir / f"{stem}{suffix}" for suffix in (".xml", ".bin"))
    keep_existing(written, force=options.force)
    _quantize(options, entry, name, stem)


def _quantize(options: argparse.Namespace, entry: ModelEntry, name: str, stem: str) -> None:
    from models.checkpoint import load
    from pruner import manifest
    from pruner.data import layout, pairs, pictures, spread
    from pruner.openvino_ir import save_ir, to_ir
    from pruner.quant_check import check_against_float, check_against_truth, network_picture
    from pruner.quant_graph import convolutions, to_int8
    from pruner.quant_report import compare
    from pruner.scoring import write_json

    folders = layout(options.data)
    paths = pictures(folders[0] if folders else options.data)
    checkpoint = options.output_dir / entry.checkpoint
    graph = to_ir(load(checkpoint), parent=checkpoint, half=False)
    if options.val:
        items, limit = spread(pairs(options.val), options.val_limit), MAX_GROWTH
        check = check_against_truth(graph, items, options.size)
    else:
        held_back, limit = spread(paths, min(CHECKED, -(-len(paths) // 4))), MAX_MAD
        items, paths = [], [path for path in paths if path not in held_back] or paths
        check = check_against_float(graph, held_back, options.size)
    limit = limit if options.max_drop is None else options.max_drop
    calibration = [network_picture(path, options.size) for path in spread(paths, options.subset)]
    made = to_int8(graph, calibration, check, max_drop=limit)
    int8, floats = convolutions(made)
    if not int8:
        raise PrunerError(f"no layer of {options.name} can be of 8 bits within --max-drop {limit}")
    print(f"{len(int8)} of {len(int8) + len(floats)} convolutions compute with 8 bits")
    files = [f"{stem}.xml", f"{stem}.bin"]
    new = replace(entry, title=f"{entry.title} INT8", ir=files[0], precision="INT8")
    with TemporaryDirectory(dir=options.output_dir) as made_in:  # nothing half-done
        save_ir(made, Path(made_in) / files[0])
        models = {options.name: options.output_dir / entry.ir, name: Path(made_in) / files[0]}
        result = compare(models, check.samples, items, options.size)
        manifest.add(options.output_dir, name, new, files, made_in=Path(made_in))
    if options.json:
        write_json(
            options.json, {**result, "int8_convolutions": int8, "float_convolutions": floats}
        )
    print(f"{options.output_dir}: {', '.join(files)}; {how_to_use(options.output_dir, name)}")


if __name__ == "__main__":
    sys.exit(main())
