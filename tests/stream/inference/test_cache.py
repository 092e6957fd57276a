from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stream.inference.cache import user_cache_dir

linux = pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps caches")


@linux
def test_the_cache_is_where_the_user_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    directory = user_cache_dir()
    assert directory == tmp_path / "modnet-p"
    assert directory.is_dir()


@linux
def test_there_is_no_cache_where_none_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert user_cache_dir() is None


@linux
def test_there_is_no_cache_for_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    assert user_cache_dir() is None
