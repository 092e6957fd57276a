"""The files about the project: what is installed, what is shipped, what a developer types."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {
    canonicalize_name(name): version
    for name, _, version in (line.partition("==") for line in LINES if not line.startswith("#"))
}
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def fresh_clone(folder: Path) -> Path:
    """The files that say what to install, in a folder where nothing is installed."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outer = (
        "ARGS",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "PYTHON",
    )  # of the make that runs the tests
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_every_line_of_the_constraints_is_one_exact_version() -> None:
    pins = [line for line in LINES if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert pins == sorted(pins, key=str.casefold)


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_every_dependency_is_pinned_to_a_version_it_allows(extra: str) -> None:
    dependencies = EXTRAS[extra] if extra else PROJECT["project"]["dependencies"]
    for requirement in map(Requirement, dependencies):
        if requirement.name != PROJECT["project"]["name"]:
            pinned = PINS.get(canonicalize_name(requirement.name), "missing")
            assert pinned != "missing", f"constraints.txt has no {requirement.name}"
            assert requirement.specifier.contains(pinned), f"{requirement}: pinned to {pinned}"


@needs_make
def test_running_the_program_installs_neither_torch_nor_any_extra(tmp_path: Path) -> None:
    commands = make(fresh_clone(tmp_path), "--dry-run", "run").stdout
    assert re.findall(r"--editable (\S+)", commands) == ["."]
    assert "torch" not in commands
    assert "run_stream.py" in commands.splitlines()[-1]


@needs_make
def test_testing_installs_the_pinned_torch_before_what_depends_on_it(tmp_path: Path) -> None:
    commands = make(fresh_clone(tmp_path), "--dry-run", "test").stdout
    assert -1 < commands.find(f"torch=={PINS['torch']}") < commands.find("'.[dev]'")
    assert commands.splitlines()[-1].endswith("-m pytest ")


@needs_make
def test_nothing_is_installed_twice(tmp_path: Path) -> None:
    folder = fresh_clone(tmp_path)
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("bin/python", ".runtime", ".ui", ".dev"):
        (folder / ".venv" / name).touch()
    assert "pip" not in make(folder, "--dry-run", "install", "test", "ui").stdout


@needs_make
def test_an_old_python_is_refused_with_the_version_that_is_needed(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    refused = make(fresh_clone(tmp_path), "install", f"PYTHON={old}")
    assert refused.returncode != 0
    assert "Python 3.11 or newer is needed" in refused.stderr
    assert "Python 3.9.2" in refused.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_models_and_the_sample_are_part_of_the_package() -> None:
    packages: list[str] = PROJECT["tool"]["setuptools"]["packages"]
    globs: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
    shipped = {
        path
        for package, patterns in globs.items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    sample = ROOT / "stream" / "sample"
    wanted = {sample / "clip.mp4", sample / "background.jpg", *sample.glob("backgrounds/*.jpg")}
    manifest = json.loads((ROOT / "models/weights/manifest.json").read_text(encoding="utf-8"))
    wanted |= {ROOT / "models" / "weights" / name for name in manifest["files"]}
    assert wanted <= shipped
    assert all((ROOT / package.replace(".", "/")).is_dir() for package in packages)


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert first is not None
    assert first[1] == PROJECT["project"]["version"]


def test_the_licence_is_the_one_that_is_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_continuous_integration_runs_what_a_developer_types() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "make check test"
    subprocess.run(["bash", "-n", str(script)], check=True, timeout=30)
