from __future__ import annotations

import sys
from pathlib import Path

import pytest

import stream.ncs2.__main__
import stream.ncs2.environment as environment
import stream.ncs2.setup as setup
from stream.errors import DeviceError
from stream.ncs2.environment import find_python, has_stick, has_udev_rule, missing_parts
from stream.ncs2.setup import advice, make_environment

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /etc and /sys")


def machine(root: Path, *, rule: bool = False, stick: bool = False) -> Path:
    """A file system with what the stick needs, or without."""
    (root / "etc/udev/rules.d").mkdir(parents=True)
    (root / "etc/udev/rules.d/60-camera.rules").write_text('ATTRS{idVendor}=="046d"\n')
    (root / "sys/bus/usb/devices/usb1").mkdir(parents=True)
    (root / "sys/bus/usb/devices/usb1/idVendor").write_text("1d6b\n")
    if rule:
        (root / "etc/udev/rules.d/97-stick.rules").write_text('ATTRS{idVendor}=="03e7"\n')
    if stick:
        (root / "sys/bus/usb/devices/1-2").mkdir()
        (root / "sys/bus/usb/devices/1-2/idVendor").write_text("03e7\n")
    return root


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)


@linux_only
@pytest.mark.usefixtures("user")
def test_what_is_missing_is_named(tmp_path: Path) -> None:
    empty = machine(tmp_path / "empty")
    assert missing_parts(tmp_path, root=empty) == ["libusb", "a udev rule", "the stick"]
    assert not has_stick(empty)
    assert not has_udev_rule(empty)
    full = machine(tmp_path / "full", rule=True, stick=True)
    libraries = tmp_path / "lib/python3.9/site-packages/openvino/libs"
    libraries.mkdir(parents=True)
    (libraries / "libusb-1.0.so.0").touch()
    assert missing_parts(tmp_path, root=full) == []


@linux_only
@pytest.mark.usefixtures("user")
def test_a_person_is_told_how_to_add_what_the_set_up_cannot(tmp_path: Path) -> None:
    assert list(advice(root=machine(tmp_path / "full", rule=True, stick=True))) == []
    rule, stick = advice(root=machine(tmp_path / "empty"))
    assert "sudo tee /etc/udev/rules.d/97-ncs2.rules" in rule
    assert 'ATTRS{idVendor}=="03e7"' in rule
    assert stick == "no stick is plugged in"


@linux_only
def test_root_needs_no_udev_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "a udev rule" not in missing_parts(tmp_path, root=machine(tmp_path))
    assert list(advice(root=tmp_path)) == ["no stick is plugged in"]


def fake_python(path: Path, *, works: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {0 if works else 127}\n")
    path.chmod(0o755)
    return path


@linux_only
def test_a_python_is_found_on_the_path_or_among_pyenvs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert find_python() is None
    fake_python(tmp_path / "bin/python3.10")  # too new
    fake_python(tmp_path / "bin/python3.9", works=False)  # pyenv's, for a version not chosen here
    assert find_python() is None
    pyenv = fake_python(tmp_path / "pyenv/versions/3.8.18/bin/python")
    assert find_python() == pyenv
    on_path = fake_python(tmp_path / "bin/python3.9")
    assert find_python() == on_path


@linux_only
@pytest.mark.usefixtures("user")
def test_without_the_environment_one_line_says_what_to_run_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "find_python", lambda: None)
    with pytest.raises(DeviceError, match="run `make ncs2`; missing: ") as caught:
        environment.worker_command(tmp_path)
    message = str(caught.value)
    assert "OpenVINO 2021.4, Python 3.9 or 3.8, libusb" in message
    assert "\n" not in message


def test_the_worker_is_kept_from_the_variables_of_the_program(tmp_path: Path) -> None:
    python = tmp_path / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    fake_python(python)
    command = environment.worker_command(tmp_path)
    assert command[:2] == [str(python), "-I"]
    assert Path(command[2]).is_file()


# --- set-up ---------------------------------------------------------------------------------------


def test_a_set_up_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(environment: Path, package: str) -> None:
        assert environment.exists()
        raise DeviceError("no network")

    monkeypatch.setattr(setup, "_run", lambda command: Path(command[-1]).mkdir())
    monkeypatch.setattr(setup, "_pip", fails)
    with pytest.raises(DeviceError, match="no network"):
        make_environment(tmp_path / "python3.9", tmp_path / "environment")
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_quoted_with_its_last_words() -> None:
    code = "import sys; print('first', file=sys.stderr); sys.exit('No matching distribution')"
    with pytest.raises(DeviceError, match=r"failed: No matching distribution$"):
        setup._run([sys.executable, "-c", code])


@linux_only
def test_libusb_comes_from_a_package_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plugin looks for it beside itself."""
    packages = tmp_path / "lib/python3.9/site-packages"
    installed: list[str] = []

    def install(environment: Path, package: str) -> None:
        installed.append(package)
        (packages / "openvino/libs").mkdir(parents=True, exist_ok=True)
        if package == "libusb-package":
            (packages / "libusb_package").mkdir()
            (packages / "libusb_package/libusb-1.0.so").write_text("library")

    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr(setup, "_run", lambda command: None)
    monkeypatch.setattr(setup, "_pip", install)
    monkeypatch.setattr(setup, "is_ready", lambda environment: True)
    make_environment(Path("python3.9"), tmp_path)
    assert installed == ["openvino==2021.4.2", "libusb-package"]
    assert (packages / "openvino/libs/libusb-1.0.so.0").read_text() == "library"


def test_the_command_says_so_when_there_is_no_old_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stream.ncs2.__main__, "is_ready", lambda: False)
    monkeypatch.setattr(stream.ncs2.__main__, "find_python", lambda: None)
    assert stream.ncs2.__main__.main(["setup"]) == DeviceError.exit_code
    said = capsys.readouterr().err
    assert "error: openvino==2021.4.2 needs Python 3.9 or 3.8 or 3.7, and none is here" in said
