"""Servers of http: silent, moving, damaged or old; and many clients at once."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.source.errors import SourceError
from compline.source.lock import locked
from compline.source.mirror import Fetched, Mirror
from compline.source.remote import Remote, resolve_head

LIMITS = Limits(git_seconds=30)


def test_a_silent_server_is_given_up(git_server: Any) -> None:
    git_server.delay = 20
    remote = Remote(f"{git_server.url}/origin")
    began = time.monotonic()
    with pytest.raises(SourceError, match="git took longer than the 1 s allowed"):
        resolve_head(remote, Limits(git_seconds=1))
    assert time.monotonic() - began < 10


def test_a_redirect_is_not_followed(repository: Any, git_server: Any) -> None:
    repository.commit({"a": "1"})
    assert resolve_head(Remote(f"{git_server.url}/origin"), LIMITS)
    git_server.redirect = "http://127.0.0.1:1"
    with pytest.raises(SourceError, match="write the address that it redirects to"):
        resolve_head(Remote(f"{git_server.url}/origin"), LIMITS)


def _fetch(mirror: Mirror) -> Fetched:
    return mirror.fetch(resolve_head(mirror.remote, mirror.limits))


_FETCH = """
import sys
from pathlib import Path
from compline.config.schema import Limits
from compline.source.lock import locked
from compline.source.mirror import Fetched, Mirror
from compline.source.remote import Remote, resolve_head
limits = Limits(git_seconds=60)
remote = Remote(sys.argv[1], "main")
mirror = Mirror(Path(sys.argv[2]), remote, limits)
head = resolve_head(remote, limits)
print("ready", flush=True)
sys.stdin.readline()
mirror.fetch(head)
print(len(mirror.snapshot(head.commit).entries), flush=True)
"""


def _worker(url: str, directory: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _FETCH, url, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_fetch_at_once(
    repository: Any, mirror_of: Callable[..., Mirror], git_server: Any, tmp_path: Path
) -> None:
    repository.commit({f"f{n}": os.urandom(2000) for n in range(50)})
    url = f"{git_server.url}/origin"
    workers = [_worker(url, tmp_path / "mirror") for _ in range(3)]
    git_server.requests.clear()
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    results = [worker.communicate(timeout=60) for worker in workers]
    assert results == [("50\n", "")] * 3
    # One fetched, the others found it there.
    assert len([path for path, _ in git_server.requests if path.endswith("info/refs")]) == 1


def test_a_killed_fetch_leaves_a_mirror_that_works(
    repository: Any, mirror_of: Callable[..., Mirror], git_server: Any, tmp_path: Path
) -> None:
    repository.commit({f"f{n}": os.urandom(2000) for n in range(50)})
    worker = _worker(f"{git_server.url}/origin", tmp_path / "mirror")
    git_server.delay = 30
    git_server.requests.clear()
    assert worker.stdin
    worker.stdin.write("go\n")
    worker.stdin.flush()
    end = time.monotonic() + 20
    while not git_server.requests and time.monotonic() < end:
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    # Its git is still talking to the server, and holds the lock until that breaks off.
    lock = tmp_path / "mirror" / "compline.lock"
    with pytest.raises(SourceError, match="in use"), locked(lock, 0.2):
        pass
    git_server.delay = 0
    git_server.wait.set()
    mirror = mirror_of(f"{git_server.url}/origin", "main")
    _fetch(mirror)
    assert len(mirror.snapshot(repository.tip()).entries) == 50


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def test_a_server_of_plain_files(
    repository: Any, make_repository: Callable[[str], Any], mirror_of: Callable[..., Mirror]
) -> None:
    """The old protocol knows no shallow fetch, and may send us elsewhere for objects."""
    head = repository.commit({"a": "1"})
    repository.git("update-server-info")
    elsewhere = make_repository("elsewhere")
    handler = partial(_Quiet, directory=str(repository.path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/origin"
            with pytest.raises(SourceError, match=r"old protocol .* set `history: full`"):
                _fetch(mirror_of(url, "main"))
            assert _fetch(mirror_of(url, "main", history="full")).commit == head
            # Its objects move to where only http-alternates lead.
            shutil.rmtree(elsewhere.path / "objects")
            (repository.path / "objects").rename(elsewhere.path / "objects")
            (repository.path / "objects" / "info").mkdir(parents=True)
            alternates = repository.path / "objects" / "info" / "http-alternates"
            alternates.write_text("/elsewhere/objects\n")
            with pytest.raises(SourceError):
                _fetch(mirror_of(url, "main", name="other", history="full"))
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_lacks_objects_is_told_so(
    repository: Any, mirror_of: Callable[..., Mirror], git_server: Any
) -> None:
    repository.commit({"a": "1", "b": "2"})
    repository.remove(repository.oid("main:b"))
    mirror = mirror_of(f"{git_server.url}/origin", "main")
    with pytest.raises(SourceError, match="lacks objects on the server's side: run `git fsck`"):
        _fetch(mirror)


def test_https_is_trusted_by_its_certificate_alone(
    repository: Any,
    git_server: Any,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = repository.commit({"a": "1"})
    git_server.speak_tls(*certificate)
    git_server.password = "s3cr3t-t0ken"
    remote = Remote(f"{git_server.url}/origin", "main", git_server.password)
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    with pytest.raises(SourceError, match=r"TLS connection was not trusted.*GIT_SSL_CAINFO"):
        resolve_head(remote, LIMITS)
    assert git_server.requests == [], "the credential went nowhere"
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate[0]))
    mirror = Mirror(tmp_path / "mirror", remote, LIMITS)
    mirror.fetch(resolve_head(remote, LIMITS))
    assert mirror.has(head)
