"""Starting a tool: what goes in, what comes out, and what cannot be started at all."""

from __future__ import annotations

import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compline.tools import sandbox
from compline.tools.process import Aborted, NotStarted, ProcessLimits, run

if TYPE_CHECKING:
    from conftest import Program

LIMITS = ProcessLimits(20, 256, 1)


def test_gives_back_everything_that_the_tool_said(program: Program, level: str) -> None:
    done = program(
        "import sys; sys.stdout.write('out' + sys.stdin.read()); sys.stderr.write('err'); "
        "sys.exit(250)",
        stdin=b" and in",
    )
    assert (done.returncode, done.stdout, done.stderr) == (250, b"out and in", b"err")
    assert done.sandbox == level
    assert 0 < done.seconds < 20


def test_large_input_and_output_pass_at_the_same_time(program: Program, level: str) -> None:
    data = os.urandom(3_000_000)
    done = program(
        "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)", stdin=data
    )
    assert done.stdout == data


def test_a_tool_may_leave_its_input_unread(program: Program, level: str) -> None:
    done = program("import os; os.close(0); print('done')", stdin=b"x" * 3_000_000)
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_without_input_there_is_an_end_of_file(program: Program, level: str) -> None:
    assert program("import sys; print(repr(sys.stdin.read()))").stdout == b"''\n"


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGKILL", "SIGTERM"])
def test_death_by_signal_is_no_answer(program: Program, level: str, number: str) -> None:
    source = f"import os, signal; print('[]', flush=True); os.kill(os.getpid(), signal.{number})"
    with pytest.raises(Aborted, match=number):
        program(source)


def test_an_exit_code_above_128_is_not_taken_for_a_signal(program: Program, level: str) -> None:
    assert program("import sys; sys.exit(137)").returncode == 137


def test_signals_that_python_ignores_work_again_in_the_tool(program: Program, level: str) -> None:
    done = program("import subprocess; print(subprocess.run('yes | head -1', shell=True).stdout)")
    assert b"Broken pipe" not in done.stderr


def test_four_at_once_from_threads(program: Program, level: str) -> None:
    source = "import sys, time; time.sleep(0.3); print(sys.stdin.read() * 1000)"

    def one(number: int) -> bytes:
        return program(source, stdin=str(number).encode()).stdout

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(12))) == [str(n).encode() * 1000 + b"\n" for n in range(12)]


@pytest.mark.parametrize("kind", ["readable", "writable"])
def test_a_path_that_is_not_there_is_named(
    program: Program, level: str, tmp_path: Path, kind: str
) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(NotStarted, match=re.escape(str(missing))):
        program("print('looked')", **{kind: [missing]})


@pytest.mark.parametrize("name", ["no-such-tool", "relative/tool", "/usr", __file__])
def test_what_is_no_program_is_not_started(program: Program, level: str, name: str) -> None:
    path = program.cwd / name if name == "no-such-tool" else name
    with pytest.raises(NotStarted, match="was not started"):
        run([path], limits=LIMITS, cwd=program.cwd)


def test_a_script_whose_interpreter_is_missing_is_not_started(program: Program, level: str) -> None:
    script = program.cwd / "tool"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(NotStarted, match="No such file"):
        run([script], limits=LIMITS, cwd=program.cwd)


def test_too_many_arguments_are_told_as_such(program: Program, level: str) -> None:
    with pytest.raises(NotStarted, match="Argument list too long"):
        run(["/bin/true", *(["x" * 100_000] * 40)], limits=LIMITS, cwd=program.cwd)


def test_temporary_files_are_private_and_gone_afterwards(
    program: Program, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "temporary"
    ours.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(ours))
    source = """
import os, pathlib, tempfile
home = pathlib.Path.home() / ".config"
home.mkdir()
(home / "file").write_text("x")
temporary = pathlib.Path(tempfile.mkdtemp())
(temporary / "file").write_text("x")
(temporary / "link").symlink_to("/etc")
temporary.chmod(0)
print(home.is_relative_to(tempfile.gettempdir()))
"""
    done = program(source)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"True\n", b"")
    assert list(ours.iterdir()) == []


def test_the_environment_is_ours_to_give(
    program: Program, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "s3cret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("PYTHONPATH", "/planted")
    source = "import os; print(sorted(os.environ))"
    seen = program(source, env={"EXTRA": "1"}).stdout.decode()
    allowed = {"EXTRA", "HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE"}
    allowed |= {"TMPDIR", "PWD" if level == sandbox.BUBBLEWRAP else "COMPLINE_RUN"}
    assert seen.strip() == str(sorted(allowed))


def test_proxies_are_passed_on_only_with_network_and_without_passwords(
    program: Program, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://user:hunter2@proxy.example:3128")
    source = "import os; print({k: v for k, v in os.environ.items() if 'prox' in k.lower()})"
    assert program(source).stdout == b"{}\n"
    assert program(source, network=True).stdout == b"{'HTTPS_PROXY': 'http://proxy.example:3128'}\n"


def test_certificates_are_passed_on_only_with_network(
    program: Program, level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificates = tmp_path / "ours.pem"
    certificates.write_text("-----BEGIN")
    for name in ("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "gone.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
    source = "import os; print([(k, open(v).read()) for k, v in os.environ.items() if '_C' in k])"
    assert program(source).stdout == b"[]\n"
    assert program(source, network=True).stdout == b"[('SSL_CERT_FILE', '-----BEGIN')]\n"


@pytest.mark.parametrize("field", ["seconds", "memory_mb", "output_mb", "file_mb", "processes"])
def test_a_limit_of_zero_is_a_mistake(field: str) -> None:
    values = {"seconds": 1.0, "memory_mb": 1, "output_mb": 1, field: 0}
    with pytest.raises(ValueError, match="above zero"):
        ProcessLimits(**values)
