"""Installing the real tools, and noticing when one is not what was installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compline.tools import environment, toolbox, trivy
from compline.tools.process import ProcessLimits, run
from compline.tools.toolbox import NAMES, Tool, Toolbox, ToolUnavailable

if TYPE_CHECKING:
    from conftest import Installed

LIMITS = ProcessLimits(60, 1024, 4)


@pytest.fixture
def copy(installed: Installed, tmp_path: Path, no_own_trivy: Path) -> Path:
    """The workspace with bandit, to be broken; what was copied has new times and inodes."""
    workspace = tmp_path / "copy"
    home = Toolbox(installed.workspace).get("bandit").home
    shutil.copytree(home, workspace / "tools" / home.name, symlinks=True, copy_function=shutil.copy)
    return workspace


def site_packages(workspace: Path) -> Path:
    """Where the copied bandit's packages are."""
    (found,) = workspace.glob("tools/bandit-*/lib/python3*/site-packages")
    return found


def test_two_installers_at_once_install_once(installed: Installed) -> None:
    assert installed.progress.count("bandit: installing") == 1
    assert installed.progress.count("trivy: installing") == 1
    assert sum(line.startswith("bandit 1.9.4 is ready") for line in installed.progress) == 2


def test_the_installed_tools_run(
    installed: Installed, level: str, tmp_path: Path, no_own_trivy: Path
) -> None:
    (tmp_path / "bad.py").write_text("eval(input())\n")
    box = Toolbox(installed.workspace)
    bandit = box.get("bandit")
    done = run([bandit.executable, "-q", "-f", "csv", "bad.py"], limits=LIMITS, cwd=tmp_path)
    assert (done.returncode, b"B307" in done.stdout) == (1, True)
    own = box.get("trivy")
    done = run([own.executable, "--version"], limits=LIMITS, cwd=tmp_path)
    assert done.stdout.startswith(f"Version: {own.version}\n".encode())


def test_running_a_tool_leaves_its_environment_as_it_was(
    copy: Path, level: str, tmp_path: Path
) -> None:
    before = Toolbox(copy).get("bandit")
    stamp = (before.home / environment.SEAL).read_bytes()
    (tmp_path / "bad.py").write_text("eval(input())\n")
    run([before.executable, "bad.py"], limits=LIMITS, cwd=tmp_path)
    assert Toolbox(copy).get("bandit") == before
    assert (before.home / environment.SEAL).read_bytes() == stamp


def test_a_tool_is_known_by_name_version_place_and_digest(
    installed: Installed, no_own_trivy: Path
) -> None:
    tool = Toolbox(installed.workspace).get("bandit")
    assert (tool.name, tool.version) == ("bandit", "1.9.4")
    assert tool.home.parent == installed.workspace / "tools"
    assert re.fullmatch(r"bandit-[0-9a-f]{12}", tool.home.name)
    assert tool.executable == tool.home / "bin" / "bandit"
    assert re.fullmatch(r"[0-9a-f]{64}", tool.digest)
    shipped = Toolbox(installed.workspace).get("trivy")
    assert shipped.version == "0.76.0"
    assert shipped.digest == trivy.digest(trivy.WHEEL_SHA256)


def test_asking_again_starts_no_process(
    installed: Installed, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    box = Toolbox(installed.workspace)
    assert box.get("bandit") is box.get("bandit")
    assert box.get("trivy").version == "0.76.0"


def test_a_tool_that_was_never_installed_names_the_command(
    tmp_path: Path, no_own_trivy: Path
) -> None:
    for name in NAMES:
        with pytest.raises(
            ToolUnavailable, match=f"not installed.*`compline tools install {name}`"
        ):
            Toolbox(tmp_path).get(name)
    with pytest.raises(ToolUnavailable, match="there is no tool 'pylint'; there are bandit, "):
        Toolbox(tmp_path).get("pylint")


def test_status_tells_what_is_there_and_what_is_not(
    installed: Installed, no_own_trivy: Path
) -> None:
    rows = {row.name: row for row in Toolbox(installed.workspace).status()}
    assert tuple(rows) == NAMES
    assert isinstance(rows["bandit"].tool, Tool)
    assert (rows["bandit"].wanted, rows["bandit"].error) == ("1.9.4", "")
    assert rows["semgrep"].tool is None
    assert "compline tools install semgrep" in rows["semgrep"].error
    assert rows["trivy"].wanted == "0.76.0, or your own from 0.63.0 on"


def test_the_same_tool_elsewhere_has_the_same_digest(installed: Installed, copy: Path) -> None:
    ours, theirs = Toolbox(installed.workspace).get("bandit"), Toolbox(copy).get("bandit")
    assert ours.digest == theirs.digest
    assert ours.home != theirs.home


def test_new_times_alone_are_looked_into_once_and_accepted(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Toolbox(copy).get("bandit")
    monkeypatch.setattr(environment, "_hash_all", lambda _directory: pytest.fail("hashed again"))
    Toolbox(copy).get("bandit")


def test_a_changed_file_is_named_and_installing_mends_it(copy: Path) -> None:
    good = Toolbox(copy).get("bandit")
    changed = site_packages(copy) / "bandit" / "core" / "manager.py"
    changed.write_text(changed.read_text() + "\n# changed\n")
    with pytest.raises(ToolUnavailable, match=r"changed since.*bandit/core/manager\.py"):
        Toolbox(copy).get("bandit")
    lines: list[str] = []
    Toolbox(copy).install(["bandit"], lines.append)
    assert "changed since" in lines[0]
    assert Toolbox(copy).get("bandit") == good
    assert sorted(path.name for path in (copy / "tools").iterdir()) == [
        ".bandit.lock",
        good.home.name,
    ]


@pytest.mark.parametrize("name", ["sitecustomize.py", "planted.pth", "bandit/plugins/planted.py"])
def test_a_planted_file_is_noticed(copy: Path, name: str) -> None:
    (site_packages(copy) / name).write_text("print('planted')")
    with pytest.raises(ToolUnavailable, match=f"changed since.*{name}"):
        Toolbox(copy).get("bandit")


def test_a_missing_file_is_noticed(copy: Path) -> None:
    (site_packages(copy) / "bandit" / "blacklists" / "calls.py").unlink()
    with pytest.raises(ToolUnavailable, match=r"changed since.*blacklists/calls\.py"):
        Toolbox(copy).get("bandit")


def test_another_interpreter_is_noticed(copy: Path) -> None:
    (python,) = copy.glob("tools/bandit-*/bin/python")
    python.unlink()
    python.symlink_to("/no/such/python")
    with pytest.raises(ToolUnavailable, match="cannot be read"):
        Toolbox(copy).get("bandit")


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]"])
def test_a_half_made_environment_is_not_used(copy: Path, content: bytes | None) -> None:
    (seal,) = copy.glob(f"tools/bandit-*/{environment.SEAL}")
    seal.unlink()
    if content is not None:
        seal.write_bytes(content)
    expected = "only half made" if content is None else "its seal cannot be read"
    with pytest.raises(ToolUnavailable, match=f"{expected}.*`compline tools install bandit`"):
        Toolbox(copy).get("bandit")


def test_content_that_differs_from_its_wheel_is_not_sealed(copy: Path) -> None:
    requirements = Path(toolbox.__file__).parent / "requirements" / "bandit.txt"
    home = Toolbox(copy).get("bandit").home
    digest = environment.seal(home, requirements).digest
    (record,) = site_packages(copy).glob("bandit-*.dist-info/RECORD")
    lines = [line for line in record.read_text().splitlines() if "core/manager.py" not in line]
    record.write_text("\n".join(lines))
    assert environment.seal(home, requirements).digest != digest
    changed = site_packages(copy) / "bandit" / "core" / "config.py"
    changed.write_text(changed.read_text() + "\n")
    with pytest.raises(environment.EnvironmentBroken, match=r"config\.py is not the file"):
        environment.seal(home, requirements)


def test_new_requirements_are_a_new_environment(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements"
    shutil.copytree(Path(toolbox.__file__).parent / "requirements", requirements)
    monkeypatch.setattr(toolbox, "_REQUIREMENTS", requirements)
    old = Toolbox(copy).get("bandit")
    with (requirements / "bandit.txt").open("a") as file:
        file.write("# one more line\n")
    with pytest.raises(ToolUnavailable, match="not installed"):
        Toolbox(copy).get("bandit")
    assert old.executable.exists()  # For the run that is under way.


def test_a_wrong_version_is_told(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements"
    shutil.copytree(Path(toolbox.__file__).parent / "requirements", requirements)
    monkeypatch.setattr(toolbox, "_REQUIREMENTS", requirements)
    home = Toolbox(copy).get("bandit").home
    text = (requirements / "bandit.txt").read_text()
    (requirements / "bandit.txt").write_text(text.replace("bandit==1.9.4", "bandit==1.9.5"))
    monkeypatch.setattr(Toolbox, "_home", lambda _self, _name: home)
    with pytest.raises(ToolUnavailable, match=r"bandit is 1\.9\.4 instead of 1\.9\.5"):
        Toolbox(copy).get("bandit")


def test_without_a_registry_the_message_says_what_may_be_done(
    tmp_path: Path, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(ToolUnavailable) as caught:
        Toolbox(tmp_path / "workspace").install(["bandit", "pip-audit"])
    message = str(caught.value)
    assert "bandit: uv could not install it" in message
    assert "pip-audit: uv could not install it" in message
    assert "UV_DEFAULT_INDEX" in message
    with pytest.raises(ToolUnavailable, match="not installed"):
        Toolbox(tmp_path / "workspace").get("bandit")


def test_a_password_in_an_index_address_is_never_repeated(
    tmp_path: Path, no_own_trivy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv masks it in most of what it says; this one does not."""
    talkative = tmp_path / "uv"
    said = "no answer from http://user:hunter2@mirror.example/simple"
    talkative.write_text(f"#!/bin/sh\necho '{said}' >&2; exit 2\n")
    talkative.chmod(0o755)
    monkeypatch.setattr(environment, "find_uv_bin", lambda: str(talkative))
    with pytest.raises(ToolUnavailable, match=r"http://…@mirror\.example") as caught:
        Toolbox(tmp_path / "workspace").install(["bandit"])
    assert "hunter2" not in str(caught.value)


def test_without_uv_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise FileNotFoundError("uv")

    monkeypatch.setattr(environment, "find_uv_bin", missing)
    with pytest.raises(ToolUnavailable, match="the program uv is missing"):
        Toolbox(tmp_path).install(["bandit"])
