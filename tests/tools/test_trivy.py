"""Which trivy is used: the organisation's own, or the one in the wheel, and never a wrong one."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compline.tools import trivy
from compline.tools.toolbox import Toolbox, ToolUnavailable

if TYPE_CHECKING:
    from conftest import Installed


def plant(directory: Path, version: str) -> Path:
    """A program that says that it is this trivy."""
    path = directory / "trivy"
    path.write_text(f"#!/bin/sh\necho 'Version: {version}'\n")
    path.chmod(0o755)
    return path


def test_a_recent_trivy_on_path_is_used(tmp_path: Path, no_own_trivy: Path) -> None:
    path = plant(no_own_trivy, "0.70.1")
    tool = Toolbox(tmp_path).get("trivy")
    assert (tool.executable, tool.version, tool.home) == (path, "0.70.1", no_own_trivy)
    assert tool.digest == trivy.digest(hashlib.sha256(path.read_bytes()).hexdigest())
    Toolbox(tmp_path).install(["trivy"])
    assert not list((tmp_path / "tools").glob("trivy-*"))


def test_its_version_and_hash_are_taken_once_per_file(
    tmp_path: Path, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plant(no_own_trivy, "0.70.1")
    first = Toolbox(tmp_path).get("trivy")
    with monkeypatch.context() as patch:
        patch.setattr(trivy, "_ask_version", lambda _path: pytest.fail("asked again"))
        assert Toolbox(tmp_path).get("trivy") == first
    plant(no_own_trivy, "0.71.0")
    os.utime(path, ns=(1, 1))
    second = Toolbox(tmp_path).get("trivy")
    assert second.version == "0.71.0"
    assert second.digest != first.digest


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("0.62.1", "0.63.0 is the oldest"),
        ("0.69.4", "CVE-2026-33634"),
        ("none", "does not tell its version"),
    ],
)
def test_an_unsuitable_trivy_on_path_gives_way_to_the_wheel(
    installed: Installed,
    no_own_trivy: Path,
    caplog: pytest.LogCaptureFixture,
    version: str,
    told: str,
) -> None:
    plant(no_own_trivy, version)
    tool = Toolbox(installed.workspace).get("trivy")
    assert (tool.version, tool.home.parent) == ("0.76.0", installed.workspace / "tools")
    assert told in caplog.text


@pytest.mark.parametrize("version", ["0.62.1", "0.69.5", "none"])
def test_an_unsuitable_trivy_that_was_named_is_never_replaced(
    installed: Installed,
    no_own_trivy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    monkeypatch.setenv(trivy.VARIABLE, str(plant(tmp_path, version)))
    with pytest.raises(ToolUnavailable, match="set COMPLINE_TRIVY to another"):
        Toolbox(installed.workspace).get("trivy")
    with pytest.raises(ToolUnavailable, match="set COMPLINE_TRIVY to another"):
        Toolbox(installed.workspace).install(["trivy"])


@pytest.mark.parametrize("named", ["", "trivy", "/no/such/trivy", "/usr", __file__])
def test_a_name_that_is_no_program_is_told(
    tmp_path: Path, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    plant(no_own_trivy, "0.70.1")
    monkeypatch.setenv(trivy.VARIABLE, named)
    with pytest.raises(ToolUnavailable, match="not the absolute path of a program"):
        Toolbox(tmp_path).get("trivy")


def test_a_named_trivy_goes_before_path(
    tmp_path: Path, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(no_own_trivy, "0.70.1")
    own = plant(tmp_path, "0.72.0")
    monkeypatch.setenv(trivy.VARIABLE, str(own))
    assert Toolbox(tmp_path / "workspace").get("trivy").executable == own


def test_a_wheel_with_another_binary_is_refused(
    installed: Installed, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trivy, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(ToolUnavailable, match=r"has the SHA-256 1f8895.*not 0000"):
        Toolbox(installed.workspace).get("trivy")


def test_a_changed_binary_is_refused(
    installed: Installed, no_own_trivy: Path, tmp_path: Path
) -> None:
    home = Toolbox(installed.workspace).get("trivy").home
    copied = tmp_path / "tools" / home.name
    shutil.copytree(home, copied, symlinks=True)
    with (copied / "bin" / "trivy").open("r+b") as file:
        file.write(b"\x7fELG")
    with pytest.raises(ToolUnavailable, match=r"changed since.*bin/trivy"):
        Toolbox(tmp_path).get("trivy")


def test_a_memo_that_cannot_be_read_is_made_anew(tmp_path: Path, no_own_trivy: Path) -> None:
    plant(no_own_trivy, "0.70.1")
    memo = tmp_path / "tools" / "trivy.json"
    memo.parent.mkdir()
    for content in ("", "{}", "[1, 2]"):
        memo.write_text(content)
        assert Toolbox(tmp_path).get("trivy").version == "0.70.1"
