"""git as we start it: nobody else's settings, helpers or transports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.process import Finished

LIMITS = Limits(git_seconds=30)


def test_only_the_one_transport(repository: Any, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    ran = tmp_path / "ran"
    evil = f"ext::touch {ran}"
    for protocol in ("", "file", "https"):
        git = Git(LIMITS, protocol=protocol)
        finished = git.run("-c", "protocol.allow=always", "ls-remote", evil)
        assert b"transport 'ext' not allowed" in finished.stderr
        finished = git.run("ls-remote", repository.url)
        assert (finished.returncode == 0) == (protocol == "file")
    assert not ran.exists()


def test_no_settings_but_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    for file in (home / ".gitconfig", home / ".config" / "git" / "config", tmp_path / "system"):
        file.write_text("[user]\n\tname = evil\n[credential]\n\thelper = evil\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "system"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'user.name=evil'")
    monkeypatch.chdir(home)
    finished = Git(LIMITS).run("config", "--list", "--show-scope", "--name-only")
    words = [line.split("\t") for line in finished.stdout.decode().splitlines()]
    assert [name for scope, name in words if scope != "command"] == ["safe.directory"]
    assert "user.name" not in {name for _, name in words}
    assert b"evil" not in Git(LIMITS).run("config", "--list").stdout
    assert b"'/dev/null'" in Git(LIMITS).run("rev-parse", "--git-dir").stderr


def test_what_it_takes_from_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    monkeypatch.setenv("GIT_SSL_CAINFO", "/etc/own-ca.pem")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    monkeypatch.setenv("GIT_TRACE_CURL", "/tmp/trace")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    script = "!f() { env; }; f"
    finished = Git(LIMITS).run("-c", f"alias.show={script}", "show-env")
    assert finished.returncode
    finished = Git(LIMITS).run("-c", f"alias.show-env={script}", "show-env")
    names = {line.partition("=")[0] for line in finished.stdout.decode().splitlines()}
    assert {"https_proxy", "GIT_SSL_CAINFO", "HOME", "GIT_TERMINAL_PROMPT"} <= names
    assert (
        not {
            *("AWS_SECRET_ACCESS_KEY", "GIT_SSL_NO_VERIFY", "GIT_TRACE_CURL", "SSH_AUTH_SOCK"),
        }
        & names
    )
    assert "HOME=/dev/null" in finished.stdout.decode().splitlines()


def test_it_asks_nobody_for_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = tmp_path / "ran"
    asker = tmp_path / "ask"
    asker.write_text(f"#!/bin/sh\ntouch {ran}\necho x\n")
    asker.chmod(0o755)
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(asker))
    question = b"protocol=https\nhost=example.org\n\n"
    finished = Git(LIMITS).run("credential", "fill", stdin=question)
    assert finished.returncode
    assert b"terminal prompts disabled" in finished.stderr
    assert not ran.exists()


def test_a_git_that_was_killed_is_said_to_be() -> None:
    error = failure("file:///a cannot be read", Finished(-9, b"", b"fatal: early EOF"))
    assert "git was ended by signal 9 (out of memory" in str(error)
