"""Sets up what an NCS2 needs, and tells what its plugin would take of a model."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stream.errors import DeviceError, StreamError
from stream.inference.model_files import find_model
from stream.ncs2.client import Worker
from stream.ncs2.environment import ENVIRONMENT, VERSIONS, find_python, worker_command
from stream.ncs2.setup import RUNTIME, advice, is_ready, make_environment
from stream.ncs2.stick import network_file

_TIMEOUT_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m stream.ncs2", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="install the old runtime; `make ncs2` runs this")
    setup.add_argument(
        "--python", type=Path, metavar="PATH", help=f"one of {', '.join(VERSIONS)}, if not found"
    )
    query = commands.add_parser("query", help="list the layers that the plugin would not take")
    query.add_argument("--model", default="pruned", metavar="NAME", help="as for run_stream.py")
    query.add_argument("--size", type=int, nargs=2, default=(512, 288), metavar=("W", "H"))
    query.add_argument("--plugin", default="MYRIAD", help="of the old runtime (default: MYRIAD)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "setup":
            _setup(options.python)
        else:
            _query(options.model, tuple(options.size), options.plugin)
    except StreamError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint is not None:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


def _setup(python: Path | None) -> None:
    if not is_ready():
        python = python or find_python()
        if python is None:
            raise DeviceError(
                f"{RUNTIME} needs Python {' or '.join(VERSIONS)}, and none is here",
                hint="install one beside the Python you use, for example with pyenv or uv; "
                "or name it: python -m stream.ncs2 setup --python PATH",
            )
        print(f"Installing {RUNTIME} for {python} into {ENVIRONMENT}.")
        make_environment(python)
    print(f"{RUNTIME} is ready in {ENVIRONMENT}.")
    for line in advice():
        print(line)


def _query(model: str, size_wh: tuple[int, int], plugin: str) -> None:
    network = network_file(find_model(model))
    with tempfile.TemporaryDirectory(prefix="ncs2-") as folder:
        command = [*worker_command(), str(network), plugin, folder]
        try:
            worker = Worker(command, timeout_s=_TIMEOUT_S)
            try:
                answer = worker.ask({"do": "query", "size_wh": size_wh}, timeout_s=_TIMEOUT_S)
            finally:
                worker.close()
        except RuntimeError as error:
            raise DeviceError(f"the old runtime cannot tell: {error}") from error
    left_out = answer["left_out"]
    taken = answer["layers"] - len(left_out)
    size = "{} x {}".format(*size_wh)
    print(f"{plugin} takes {taken} of {answer['layers']} layers of {network.name} at {size}")
    for kind, count in Counter(kind for kind, _ in left_out).most_common():
        names = [name for layer, name in left_out if layer == kind]
        print(f"  not {count} {kind}: {', '.join(names)}")


if __name__ == "__main__":
    raise SystemExit(main())
