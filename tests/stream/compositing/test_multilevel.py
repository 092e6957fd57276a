from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

from stream.composite import Foreground, blend, cut_out
from stream.compositing import multilevel
from stream.compositing.multilevel import multilevel_foreground
from stream.frame import Alpha, Image

PERSON, ROOM = (40, 80, 160), (60, 220, 30)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    multilevel._estimator.cache_clear()
    yield
    multilevel._estimator.cache_clear()


def half_there(size_wh: tuple[int, int] = (48, 32)) -> tuple[Image, Alpha]:
    """The person on the right, the room on the left, and a soft edge between."""
    width, height = size_wh
    alpha = np.clip((np.arange(width) - width / 2) * 16 + 128, 0, 255).astype(np.uint8)
    share = alpha[None, :, None] / 255
    image = np.rint(share * PERSON + (1 - share) * np.array(ROOM)).astype(np.uint8)
    return np.repeat(image, height, axis=0), np.repeat(alpha[None], height, axis=0)


def install(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", module)


def test_pymatting_gets_shares_and_its_answer_becomes_eight_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, alpha = half_there()
    fake = ModuleType("pymatting")

    def estimate(given: np.ndarray, matte: np.ndarray) -> np.ndarray:
        assert (given == image / 255).all()
        assert (matte == alpha / 255).all()
        return np.broadcast_to(np.array(PERSON) / 255, given.shape)

    fake.estimate_foreground_ml = estimate  # type: ignore[attr-defined]
    install(monkeypatch, fake)
    foreground = multilevel_foreground(image, alpha)
    assert foreground is not None
    assert foreground.dtype == np.uint8
    assert (foreground == PERSON).all()
    assert (cut_out(image, alpha, foreground=Foreground.MULTILEVEL)[:, 24, :3] == PERSON).all()


def test_without_pymatting_blur_fusion_does_it_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, None)
    image, alpha = half_there()
    grey = np.full_like(image, 128)
    for _ in range(2):
        mixed = blend(image, alpha, grey, foreground=Foreground.MULTILEVEL)
        assert (mixed == blend(image, alpha, grey, foreground=Foreground.BLUR_FUSION)).all()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "pip install pymatting" in caplog.text


@pytest.mark.slow
def test_the_real_pymatting_finds_the_person() -> None:
    pytest.importorskip("pymatting")
    image, alpha = half_there()
    foreground = multilevel_foreground(image, alpha)
    assert foreground is not None
    assert np.abs(foreground[alpha > 50].astype(int) - PERSON).max() <= 3
