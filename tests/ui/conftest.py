"""A page with tiny models, and where its work is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.serving import Page, served_page
from tests.ui.tiny_models import write_weights
from ui.uploads import Limits
from ui.workplace import Workplace


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def workplace(tmp_path: Path, weights: Path) -> Workplace:
    folder = tmp_path / "workplace"
    folder.mkdir()
    return Workplace(folder, limits=Limits(max_seconds=5, max_frames=200), weights=weights)


@pytest.fixture(scope="session")
def served(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A running page, the same one for all tests."""
    with served_page(weights, tmp_path_factory.mktemp("tmp")) as page:
        yield page
