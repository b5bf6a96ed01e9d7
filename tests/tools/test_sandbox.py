"""What bubblewrap keeps from a tool, and how the level is chosen."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compline.tools import sandbox

if TYPE_CHECKING:
    from conftest import Program

READ = "import pathlib, sys\nprint(pathlib.Path({!r}).read_text())"


def test_only_what_was_given_can_be_read(
    program: Program, bubblewrap: None, tmp_path: Path
) -> None:
    given, canary = tmp_path / "readable.txt", tmp_path / "canary.txt"
    given.write_text("given")
    canary.write_text("s3cret")
    assert program(READ.format(str(given)), readable=[given]).stdout == b"given\n"
    for path in (canary, Path(__file__), Path("/etc/passwd"), Path("/etc/shadow")):
        done = program(READ.format(str(path)), readable=[given])
        assert done.stdout == b""
        assert b"FileNotFoundError" in done.stderr
    done = program(f"import os; print(sorted(os.listdir({str(tmp_path)!r})))", readable=[given])
    assert done.stdout == b"['given', 'readable.txt']\n"


def test_nothing_else_than_what_was_given_to_write_is_changed(
    program: Program, bubblewrap: None, tmp_path: Path
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    theirs.mkdir()
    (mine / "inner").mkdir()
    source = f"""
import os
for place in ("/", "/dev", "/etc", "/usr", "/proc/sys/kernel", {str(theirs)!r}, os.getcwd(),
              {str(mine / "inner")!r}, {str(mine)!r}, "/tmp", "/dev/shm"):
    try:
        open(place + "/planted", "w").close()
        print(place)
    except OSError:
        pass
"""
    done = program(source, readable=[theirs, mine / "inner"], writable=[mine])
    assert done.stdout.decode().split() == [str(mine), "/tmp", "/dev/shm"]
    assert [path.name for path in mine.iterdir() if path.is_file()] == ["planted"]
    assert not Path("/tmp/planted").exists()
    assert not Path("/dev/shm/planted").exists()


def test_kernel_settings_cannot_be_written_even_by_root(program: Program, bubblewrap: None) -> None:
    source = """
import os
for name in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger"):
    print(os.access(name, os.W_OK))
print(open("/proc/self/status").read().split("CapEff:")[1].split()[0].strip("0"))
"""
    assert program(source).stdout.split() == [b"False", b"False", b"False"]


def test_a_link_in_what_was_given_leads_nowhere(
    program: Program, bubblewrap: None, tmp_path: Path
) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("s3cret")
    (program.cwd / "link").symlink_to(canary)
    done = program(READ.format("link"))
    assert b"FileNotFoundError" in done.stderr


def test_other_processes_are_neither_seen_nor_signalled(
    program: Program, bubblewrap: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "s3cret")
    source = f"""
import glob, os
print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
try:
    os.kill({os.getpid()}, 0)
except ProcessLookupError:
    print("unseen")
print(any("PLANTED" in open(name).read() for name in glob.glob("/proc/*/environ")))
"""
    done = program(source)
    assert done.stdout.decode().splitlines() == ["[1, 2]", "unseen", "False"]


@pytest.fixture
def server() -> int:
    """A port on this machine's own address, answering one caller."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with listening:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"hello")

    threading.Thread(target=answer, daemon=True).start()
    return int(listening.getsockname()[1])


CALL = "import socket\nprint(socket.create_connection(('127.0.0.1', {}), 5).recv(5))"


def test_there_is_no_network_unless_asked_for(
    program: Program, bubblewrap: None, server: int
) -> None:
    closed = program(CALL.format(server))
    assert closed.returncode == 1
    assert b"ConnectionRefusedError" in closed.stderr
    names = program("import socket; print(socket.if_nameindex())")
    assert names.stdout == b"[(1, 'lo')]\n"
    assert program(CALL.format(server), network=True).stdout == b"b'hello'\n"


def test_network_that_was_asked_for_is_there_without_a_sandbox_too(
    program: Program, server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sandbox.SWITCH, "off")
    assert program(CALL.format(server), network=True).stdout == b"b'hello'\n"


def test_a_temporary_directory_given_to_read_stays_readable(
    program: Program, level: str, tmp_path: Path
) -> None:
    """The sandbox has its own /tmp, and pytest's directories are below the machine's."""
    (tmp_path / "file").write_text("given")
    assert program(READ.format(str(tmp_path / "file")), readable=[tmp_path]).stdout == b"given\n"


def test_without_bubblewrap_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(sandbox.SWITCH, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = sandbox.confinement()
    assert found.level == sandbox.LIMITS
    assert "install the package bubblewrap" in found.reason


def test_a_bubblewrap_that_the_machine_refuses_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: Program
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.delenv(sandbox.SWITCH, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = sandbox.confinement()
    assert found.level == sandbox.LIMITS
    assert "No permissions to create new namespace" in found.reason
    assert program("print(1)").sandbox == sandbox.LIMITS


def test_an_old_bubblewrap_is_used_with_the_options_that_it_knows(
    bubblewrap: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: Program
) -> None:
    """Before 0.8 there is no --disable-userns."""
    (real,) = [word for word in sandbox.confinement().program if word.endswith("bwrap")]
    old = tmp_path / "bwrap"
    refusal = '[ "$1" = --disable-userns ] && { echo unknown option >&2; exit 1; }'
    old.write_text(f'#!/bin/sh\n{refusal}\nexec {real} "$@"\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert sandbox.confinement().program == (str(old),)
    assert program("print(1)").stdout == b"1\n"
