from pathlib import Path

import numpy as np
import pytest

from pruner import foregrounds
from pruner.data import Pair, pairs, read_pair
from pruner.foregrounds import Foregrounds
from tests.pruner.people import write_people


@pytest.fixture
def person(tmp_path: Path) -> Pair:
    return pairs(write_people(tmp_path / "people", 1))[0]


def test_the_old_background_is_gone_at_the_edges(person: Pair) -> None:
    image, alpha = read_pair(person)
    soft = alpha // 2  # every pixel of the person is half room
    mixed = (image // 2 + 20).astype(np.uint8)
    mixed[alpha == 0] = 40
    found = Foregrounds().of(person, mixed, soft)
    inside = alpha == 255
    assert found[inside].mean() > mixed[inside].mean() + 30


def test_a_foreground_is_estimated_once(
    person: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, alpha = read_pair(person)
    first = Foregrounds(tmp_path / "kept").of(person, image, alpha)
    monkeypatch.delattr(foregrounds, "estimate_foreground_ml")
    again = Foregrounds(tmp_path / "kept").of(person, image, alpha)
    assert np.array_equal(first, again)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [f"{person.name}.jpg"]


def test_what_is_kept_is_close_to_what_was_estimated(person: Pair, tmp_path: Path) -> None:
    image, alpha = read_pair(person)
    kept = Foregrounds(tmp_path / "kept").of(person, image, alpha)
    exact = Foregrounds().of(person, image, alpha)
    assert np.abs(kept.astype(int) - exact).mean() < 4
