"""What the commands have in common: how they end, and that they replace nothing unasked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from pruner.errors import PrunerError, PrunerUsageError


def exit_code(
    run: Callable[[argparse.Namespace], None],
    options: argparse.Namespace,
    *,
    if_interrupted: str = "",
) -> int:
    """Run a command; what the user can mend is told in one line.

    Args:
        run: Does it.
        options: For it.
        if_interrupted: What to say after Ctrl-C.
    """
    from models.checkpoint import CheckpointError

    try:
        run(options)
    except (PrunerError, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, PrunerError) else 1
    except OSError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"error: {told}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if if_interrupted:
            print(if_interrupted, file=sys.stderr)
        return 130
    return 0


def keep_existing(paths: Iterable[Path], *, force: bool) -> None:
    """Stop before files are replaced that are there already.

    Args:
        paths: What will be written.
        force: Whether that may be replaced.

    Raises:
        PrunerUsageError: One of them is there, and `force` is not given.
    """
    for path in paths:
        if path.exists() and not force:
            raise PrunerUsageError(f"{path} exists: choose another name, or --force replaces it")
