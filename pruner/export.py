"""From a checkpoint to the files that other programs run.

Writes the OpenVINO IR with float16 weights and the checkpoint beside it, on request ONNX and a file
for the Neural Compute Stick 2; compares what it wrote with torch, and lists it in the manifest of
the folder. `python -m pruner.quantize` then makes an 8-bit model of it.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pruner.command import exit_code, keep_existing
from pruner.errors import PrunerUsageError
from pruner.option_types import size_wh

WEIGHTS = Path(__file__).resolve().parents[1] / "models" / "weights"
STEMS = {"original": "modnet", "pruned": "modnet_pruned"}
TITLES = {"original": "MODNet", "pruned": "MODNet-P"}


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.export`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.export", description=__doc__)
    add = parser.add_argument
    add("--weights", type=Path, required=True, metavar="FILE", help=".safetensors, .ckpt or .pth")
    add(
        "--widths",
        type=Path,
        metavar="JSON",
        help="the published pruning code's channel counts (default: the .json beside FILE)",
    )
    add("--name", required=True, help="what --model shall call it: original, pruned, ...")
    add("--title", help="what people call it (default: from the name)")
    add("--output-dir", type=Path, default=WEIGHTS, metavar="DIR", help="(default: models/weights)")
    add("--samples", type=Path, metavar="DIR", help="pictures to compare on (default: made ones)")
    add("--onnx", action="store_true", help="also write ONNX, of the network as published")
    add(
        "--onnx-opset", type=int, default=17, metavar="N", help="(default: 17; 11 for old runtimes)"
    )
    add("--static-size", type=size_wh, metavar="WxH", help="make the ONNX for this size only")
    add("--ncs2", action="store_true", help="also write what a Neural Compute Stick 2 needs")
    add("--force", action="store_true", help="replace files that exist")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return exit_code(run, argument_parser().parse_args(argv))


def stem_of(name: str) -> str:
    """What the files of a model are called.

    Raises:
        PrunerUsageError: A name that no file can have everywhere.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise PrunerUsageError(
            f"--name: expected lower-case letters, digits, - and _, got {name!r}"
        )
    return STEMS.get(name, name.replace("-", "_"))


def run(options: argparse.Namespace) -> None:
    """Export as the options say."""
    stem = stem_of(options.name)
    names = [f"{stem}{suffix}" for suffix in (".safetensors", ".xml", ".bin")]
    if options.ncs2:
        names += [f"{stem}.ncs2.xml", f"{stem}.ncs2.bin"]
    if options.onnx:
        size = "_{}x{}".format(*options.static_size) if options.static_size else ""
        names.append(f"{stem}{size}.onnx")
    keep_existing((options.output_dir / name for name in names), force=options.force)
    _export(options, stem, names)


def _export(options: argparse.Namespace, stem: str, names: list[str]) -> None:
    from models import checkpoint
    from pruner import parity
    from pruner.cost import cost
    from pruner.manifest import ModelEntry, add
    from pruner.old_runtime import write_for_old_runtime
    from pruner.onnx_graph import write_onnx
    from pruner.openvino_ir import save_ir, to_ir
    from pruner.published import load_network

    model = load_network(options.weights, options.widths)
    samples = parity.sample_pictures(options.samples) if options.samples else parity.made_pictures()
    options.output_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=options.output_dir) as name:  # nothing half-done, nothing unchecked
        folder = Path(name)
        checkpoint.save(model, folder / f"{stem}.safetensors", half=True)
        model = checkpoint.load(folder / f"{stem}.safetensors")
        graph = to_ir(model, parent=folder / f"{stem}.safetensors")
        save_ir(graph, folder / f"{stem}.xml")
        levels = parity.check_ir(folder / f"{stem}.xml", model, samples)
        print(f"{stem}.xml differs from torch by at most {levels} of 255 grey levels")
        if options.ncs2:
            write_for_old_runtime(model, folder / f"{stem}.ncs2.xml")
        if options.onnx:
            path, static_wh = folder / names[-1], options.static_size
            write_onnx(model, path, opset=options.onnx_opset, size_wh=static_wh)
            fitted = (
                [parity.fitted(sample, static_wh) for sample in samples] if static_wh else samples
            )
            difference = parity.check_onnx(path, model, fitted)
            print(f"{path.name} differs from torch by at most {difference:.1e}")
        size = cost(model.widths)
        title = options.title or TITLES.get(options.name, options.name)
        entry = ModelEntry(
            title, f"{stem}.xml", "FP16", size.parameters, size.macs, f"{stem}.safetensors"
        )
        add(options.output_dir, options.name, entry, names, made_in=folder)
    print(
        f"{options.output_dir}: {', '.join(names)}; {how_to_use(options.output_dir, options.name)}"
    )


def how_to_use(folder: Path, name: str) -> str:
    """What to give to the runtime, which knows the names of models/weights only."""
    model = name if folder.resolve() == WEIGHTS else folder / f"{stem_of(name)}.xml"
    return f"to use it: --model {model}"


if __name__ == "__main__":
    sys.exit(main())
