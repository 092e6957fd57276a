"""Fixtures that every test shares."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import stream  # noqa: F401  first of all: it imports cv2, which must precede av

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --slow"))
        if "shared" in item.keywords and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"needs the development data in {SHARED}"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data; tests that ask for it carry the mark `shared`."""
    return SHARED


@pytest.fixture(autouse=True)
def enabled_loggers() -> None:
    """OpenVINO's converter configures logging anew, which disables every logger there is."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.partition(".")[0] == "stream" and isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    """Every thread a test starts has ended when the test ends (a grace of one second to unwind)."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 1.0
    while (left := [t for t in threading.enumerate() if t not in before and not t.daemon]) and (
        time.monotonic() < deadline
    ):
        left[0].join(0.05)
    assert not left, f"threads left behind: {[t.name for t in left]}"
