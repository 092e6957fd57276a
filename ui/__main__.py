"""Serve the page that compares the models: python -m ui."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C or SIGTERM, and return the exit code."""
    options = _parse(arguments)

    from stream.allocator import reuse_memory
    from stream.console import print_error, warnings_on_stderr
    from stream.errors import StreamError
    from stream.signals import StopSignals
    from ui.server import Address, serve

    reuse_memory()
    with warnings_on_stderr(), StopSignals() as signals:
        try:
            with serve(Address(options.host, options.port, options.auth)) as url:
                print(f"The page is at {url}  (Ctrl-C ends it)", flush=True)
                if options.open:
                    webbrowser.open(url)
                while not signals.stop.wait(0.5):
                    pass
        except StreamError as error:
            print_error(error)
            return error.exit_code
        return signals.exit_code


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ui", description=__doc__)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="NAME",
        help="where to listen; 0.0.0.0 lets other machines in and needs --auth "
        "(default: this machine only)",
    )
    parser.add_argument(
        "--port", type=_port, metavar="N", help="(default: the first free one from 7860 on)"
    )
    parser.add_argument("--auth", type=_login, metavar="USER:PASSWORD", help="who may see the page")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 1 to 65535, got '{text}'")


def _login(text: str) -> tuple[str, str]:
    user, _, password = text.partition(":")
    if not (user and password):
        raise argparse.ArgumentTypeError("expected USER:PASSWORD")
    return user, password


if __name__ == "__main__":
    sys.exit(main())
