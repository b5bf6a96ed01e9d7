"""The one question that is asked every night: where the head is."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.source.errors import SourceError
from compline.source.remote import Head, Remote, resolve_head, resolve_revision

LIMITS = Limits(git_seconds=30)


def test_branch_tag_and_head(repository: Any) -> None:
    first = repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    repository.git("tag", "light", first)
    repository.git("tag", "-m", "x", "noted", first)
    repository.git("branch", "team/x", first)
    expected = {
        "": Head("HEAD", second),
        "main": Head("refs/heads/main", second),
        "refs/heads/main": Head("refs/heads/main", second),
        "team/x": Head("refs/heads/team/x", first),
        "light": Head("refs/tags/light", first),
        "noted": Head("refs/tags/noted", first),
        "refs/tags/noted": Head("refs/tags/noted", first),
    }
    for ref, head in expected.items():
        assert resolve_head(Remote(repository.url, ref), LIMITS) == head


def test_a_name_matches_wholly(repository: Any) -> None:
    """`git ls-remote main` would also answer with other/main."""
    repository.commit({"a": "1"}, branch="other/main")
    repository.git("update-ref", "refs/x/refs/heads/main", repository.tip("other/main"))
    with pytest.raises(SourceError, match="has no branch or tag 'main'"):
        resolve_head(Remote(repository.url, "main"), LIMITS)


def test_a_branch_comes_before_a_tag(repository: Any) -> None:
    first = repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    repository.git("tag", "main", first)
    assert resolve_head(Remote(repository.url, "main"), LIMITS).commit == second


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("nope", "has no branch or tag 'nope': check its spelling"),
        ("abcdef12", "a commit must be given by its full id"),
        ("refs/heads/nope", "has no branch or tag"),
    ],
)
def test_missing_refs(repository: Any, ref: str, says: str) -> None:
    repository.commit({"a": "1"})
    with pytest.raises(SourceError, match=says):
        resolve_head(Remote(repository.url, ref), LIMITS)


def test_an_empty_repository_says_so(repository: Any) -> None:
    with pytest.raises(SourceError, match="has no HEAD: it is empty"):
        resolve_head(Remote(repository.url), LIMITS)


def test_a_commit_needs_no_question() -> None:
    remote = Remote("https://git.invalid/a", "main")
    assert resolve_revision(remote, "a" * 40, LIMITS) == Head("", "a" * 40)


@pytest.mark.parametrize("ref", ["--upload-pack=touch x", "-x", "a b", "a..b", "a\nb", "x:y"])
def test_odd_refs_reach_no_git(repository: Any, ref: str) -> None:
    with pytest.raises(SourceError, match="not a name that a branch or tag can have"):
        Remote(repository.url, ref)
    with pytest.raises(SourceError, match="not a name that a branch or tag can have"):
        resolve_revision(Remote(repository.url), ref, LIMITS)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("file:///no/such/repository", "there is no such repository"),
        ("http://127.0.0.1:1/a", "cannot be reached"),
        ("ssh://git@127.0.0.1:1/a", "cannot be reached"),
        ("http://a.invalid/a", "name is not known|cannot be reached"),
    ],
)
def test_what_cannot_be_reached(url: str, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        resolve_head(Remote(url), LIMITS)
    assert url in str(caught.value)


def test_nobodys_configuration_is_obeyed(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the user's, nor a surrounding repository's, nor the environment's."""
    head = repository.commit({"a": "1"})
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text('[url "file:///elsewhere"]\n\tinsteadOf = file://\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url.file:///elsewhere.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "file://")
    monkeypatch.setenv("GIT_DIR", str(home))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    work = tmp_path / "work"
    work.mkdir()
    repository.git("clone", "-q", repository.url, str(work))
    (work / ".git" / "config").write_text((home / ".gitconfig").read_text())
    monkeypatch.chdir(work)
    assert resolve_head(Remote(repository.url, "main"), LIMITS).commit == head
    assert not (tmp_path / "trace").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user(repository: Any, mirror_of: Callable[..., Any]) -> None:
    head = repository.commit({"a": "1"})
    for directory, _, files in os.walk(repository.path):
        for name in ["", *files]:
            os.chown(Path(directory) / name, 12345, 12345)
    mirror = mirror_of(repository, "main")
    mirror.fetch(resolve_head(mirror.remote, LIMITS))
    assert mirror.has(head)


def test_hooks_and_commands_of_a_local_repository_do_not_run(
    repository: Any, mirror_of: Callable[..., Any], tmp_path: Path
) -> None:
    """The server's side of file:// runs on this host, in a folder that others may write."""
    repository.commit({"a": "1"})
    trap = tmp_path / "trap.sh"
    ran = tmp_path / "ran"
    trap.write_text(f'#!/bin/sh\ntouch {ran}\nexec "$@"\n')
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    for key in (
        "uploadpack.packObjectsHook",
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "core.alternateRefsCommand",
    ):
        repository.git("config", key, str(trap))
    repository.git("config", "core.hooksPath", str(tmp_path))
    for hook in ("post-upload-pack", "pre-upload", "reference-transaction"):
        (tmp_path / hook).symlink_to(trap)
    mirror = mirror_of(repository, "main")
    mirror.fetch(resolve_head(mirror.remote, LIMITS))
    assert mirror.has(repository.tip())
    assert not ran.exists()


def test_a_thousand_questions_take_seconds(
    repository: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One process of git's for each, whatever asks; the figure is printed."""
    head = repository.commit({"a": "1"})
    calls = tmp_path / "calls"
    calls.touch()
    real = shutil.which("git")
    counting = tmp_path / "bin" / "git"
    counting.parent.mkdir()
    counting.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {real} "$@"\n')
    counting.chmod(0o755)
    remote = Remote(repository.url, "main")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{counting.parent}{os.pathsep}{os.environ['PATH']}")
        assert resolve_head(remote, LIMITS).commit == head
    assert calls.read_text() == "ls-remote\n"
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        heads = list(pool.map(lambda _: resolve_head(remote, LIMITS), range(200)))
    each = (time.monotonic() - began) / 200
    print(f"\nls-remote, 8 threads: {each * 1000:.1f} ms each")
    assert heads == [Head("refs/heads/main", head)] * 200
    assert each < 0.06
