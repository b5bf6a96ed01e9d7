"""Private repositories: the credential works, and is nowhere where others can read it."""

from __future__ import annotations

import base64
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compline.config.schema import Limits
from compline.source.credentials import access_to
from compline.source.errors import SourceError
from compline.source.failures import masked
from compline.source.mirror import Mirror
from compline.source.remote import Remote, resolve_head

TOKEN = "s3cr3t-t0ken-9f8e7d"
KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nq83vEjRWeJA\n"
    "-----END OPENSSH PRIVATE KEY-----\n"
)
LIMITS = Limits(git_seconds=60)


def _forms(secret: str) -> list[bytes]:
    pairs = (secret, f"x-access-token:{secret}", f"bot:{secret}")
    return [secret.encode(), *(base64.b64encode(pair.encode()) for pair in pairs)]


@contextmanager
def _watching() -> Iterator[dict[bytes, int]]:
    """Collects the command lines of all processes of this host, again and again."""
    seen: dict[bytes, int] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    try:
                        line = Path(entry.path, "cmdline").read_bytes()
                    except OSError:
                        continue
                    seen[line] = seen.get(line, 0) + 1

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


# Named, since the title of the process that runs the test has the name too.
@pytest.mark.parametrize("credential", [TOKEN, f"bot:{TOKEN}"], ids=["token", "user and token"])
def test_a_private_repository_over_http(
    repository: Any,
    git_server: Any,
    tmp_path: Path,
    credential: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    head = repository.commit({"a.py": "1"})
    git_server.password = TOKEN
    git_server.delay = 0.15
    remote = Remote(f"{git_server.url}/origin", "main", credential)
    mirror = Mirror(tmp_path / "mirror", remote, LIMITS)
    with _watching() as seen:
        mirror.fetch(resolve_head(remote, LIMITS))
    assert mirror.snapshot(head).entries[0].path == "a.py"
    # The watch did see git and its helper at work, more than once.
    assert any(b"remote-http" in line and remote.url.encode() in line for line in seen)
    files = [path for path in (tmp_path / "mirror").rglob("*") if path.is_file()]
    assert len(files) > 4
    output = capfd.readouterr()
    told = [*seen, *(path.read_bytes() for path in files), caplog.text.encode()]
    told += [output.out.encode(), output.err.encode(), repr(remote).encode()]
    for form in _forms(TOKEN):
        assert not any(form in text for text in told)
    user = credential.rpartition(":")[0] or "x-access-token"
    basic = base64.b64encode(f"{user}:{TOKEN}".encode()).decode()
    assert {header for _, header in git_server.requests} == {f"Basic {basic}"}


def test_a_wrong_token_is_refused_without_being_shown(repository: Any, git_server: Any) -> None:
    repository.commit({"a": "1"})
    git_server.password = "another"
    for credential in (None, TOKEN):
        remote = Remote(f"{git_server.url}/origin", "main", credential)
        with pytest.raises(SourceError, match="give a token that may read it") as caught:
            resolve_head(remote, LIMITS)
        assert TOKEN not in str(caught.value)


def test_a_token_is_not_taken_elsewhere(repository: Any, git_server: Any) -> None:
    """Neither to where the server redirects, nor to a proxy."""
    repository.commit({"a": "1"})
    git_server.redirect = git_server.url.replace("127.0.0.1", "localhost")
    remote = Remote(f"{git_server.url}/origin", "main", TOKEN)
    with pytest.raises(SourceError, match="redirects"):
        resolve_head(remote, LIMITS)
    assert len(git_server.requests) == 1


def test_loopback_goes_through_no_proxy(
    repository: Any, git_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository.commit({"a": "1"})
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    remote = Remote(f"{git_server.url}/origin", "main", TOKEN)
    assert resolve_head(remote, LIMITS).commit == head


@pytest.mark.parametrize(
    ("url", "credential", "says"),
    [
        ("http://git.example.org/a", TOKEN, "would send the credential in clear: use https"),
        ("file:///srv/a", TOKEN, "takes no credential"),
        ("ssh://git@example.org/a", TOKEN, "takes a private key"),
        ("https://example.org/a", f"{TOKEN}\nX-Header: y", "on one line"),
        ("https://example.org/a", KEY, "on one line"),
    ],
    ids=["http", "file", "ssh", "two lines", "key"],
)
def test_credentials_that_do_not_fit(url: str, credential: str, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        Remote(url, "main", credential)
    assert TOKEN not in str(caught.value)
    assert "b3BlbnNzaC1" not in str(caught.value)


# An ssh that notes what it was given and then is the server itself.
_SSH = """#!/bin/sh
printf '%s\\n' "$@" > {notes}/argv
for word in "$@"; do
    case "$word" in
        IdentityFile=none) ;;
        IdentityFile=*) file="${{word#IdentityFile=}}"; cp -p "$file" {notes}/key
            stat -c '%a' "$file" "$(dirname "$file")" > {notes}/modes ;;
    esac
    last="$word"
done
exec sh -c "$last"
"""


@pytest.fixture
def ssh_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    notes = tmp_path / "notes"
    notes.mkdir()
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(_SSH.format(notes=notes))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "with space's"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "with space's").mkdir()
    return notes


@pytest.mark.parametrize("key", [KEY, KEY.replace("\n", "\\n"), KEY.replace("\n", "\r\n")])
def test_a_private_key_is_a_private_file_for_one_command(
    repository: Any, ssh_notes: Path, tmp_path: Path, key: str
) -> None:
    head = repository.commit({"a": "1"})
    hosts = tmp_path / "known_hosts"
    remote = Remote(f"ssh://git@example.org:2222{repository.path}", "main", key, hosts)
    assert resolve_head(remote, LIMITS).commit == head
    mirror = Mirror(tmp_path / "mirror", remote, LIMITS)
    mirror.fetch(resolve_head(remote, LIMITS))
    assert (ssh_notes / "key").read_text() == KEY
    assert (ssh_notes / "modes").read_text().split() == ["600", "700"]
    words = (ssh_notes / "argv").read_text().splitlines()
    assert words[-2] == "git@example.org"
    for option in (
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "StrictHostKeyChecking=accept-new",
        f"UserKnownHostsFile={hosts}",
    ):
        assert option in words
    assert words[words.index("-F") + 1] == "/dev/null"
    assert words[words.index("-p") + 1] == "2222"
    # Removed again, whatever became of the command.
    assert not list((tmp_path / "with space's").iterdir())
    with pytest.raises(SourceError):
        resolve_head(Remote(f"ssh://git@example.org{tmp_path}/none", "main", key), LIMITS)
    assert not list((tmp_path / "with space's").iterdir())


def test_without_a_credential_no_key_of_the_users_is_tried(
    repository: Any, ssh_notes: Path
) -> None:
    repository.commit({"a": "1"})
    resolve_head(Remote(f"ssh://example.org{repository.path}", "main"), LIMITS)
    assert "IdentityFile=none" in (ssh_notes / "argv").read_text().splitlines()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not shutil.which("sshd", path="/usr/sbin"), reason="no sshd on this host")
def test_a_real_ssh_server(repository: Any, tmp_path: Path) -> None:
    head = repository.commit({"a": "1"})
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name]
        subprocess.run(command, check=True)
    authorized = tmp_path / "authorized"
    authorized.write_text((tmp_path / "user.pub").read_text())
    port = 20000 + os.getpid() % 20000
    options = (f"ListenAddress=127.0.0.1:{port}", f"AuthorizedKeysFile={authorized}")
    options += ("StrictModes=no", "PidFile=none", "UsePAM=no")
    command = ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", str(tmp_path / "host")]
    for option in options:
        command += ["-o", option]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    url = f"ssh://{user}@127.0.0.1:{port}{repository.path}"
    hosts = tmp_path / "known_hosts"
    try:
        end = time.monotonic() + 20
        while not _listens(port) and time.monotonic() < end:
            time.sleep(0.05)
        key = (tmp_path / "user").read_text()
        found = resolve_head(Remote(url, "main", key, hosts), LIMITS)
        assert found.commit == head
        assert "127.0.0.1" in hosts.read_text()
        with pytest.raises(SourceError, match="give a read-only deploy key"):
            resolve_head(Remote(url, "main", None, hosts), LIMITS)
        other = (tmp_path / "host").read_text()
        with pytest.raises(SourceError, match="give a read-only deploy key"):
            resolve_head(Remote(url, "main", other, hosts), LIMITS)
        public = (tmp_path / "user.pub").read_text().split()[:2]
        hosts.write_text(f"[127.0.0.1]:{port} {' '.join(public)}\n")
        with pytest.raises(SourceError, match="ssh key is not the one seen before"):
            resolve_head(Remote(url, "main", key, hosts), LIMITS)
    finally:
        server.terminate()
        server.wait()


def test_masking_finds_every_form() -> None:
    header = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    text = f"{TOKEN} bot:{TOKEN} Basic {header} {KEY}"
    clean = masked(text, [f"bot:{TOKEN}", KEY])
    assert TOKEN not in clean
    assert "b3BlbnNzaC1" not in clean
    for shift in range(4):
        encoded = base64.b64encode(b"u" * shift + TOKEN.encode() + b"v" * shift).decode()
        assert masked(f"a {encoded} b", [TOKEN]) == "a *** b"
    assert masked("nothing here, QUJDREVG", [TOKEN]) == "nothing here, QUJDREVG"


def test_what_a_server_says_back_is_masked(repository: Any, git_server: Any) -> None:
    """A hostile server may repeat the credential in its answer, and write over the terminal."""
    repository.commit({"a": "1"})
    git_server.echo = True
    remote = Remote(f"{git_server.url}/origin", "main", TOKEN)
    with pytest.raises(SourceError, match=r"you sent Basic \*\*\*") as caught:
        resolve_head(remote, LIMITS)
    assert str(caught.value).isprintable()
    assert not any(form.decode() in str(caught.value) for form in _forms(TOKEN))


def test_access_hides_itself() -> None:
    remote = Remote("https://example.org/a", "main", TOKEN)
    with access_to(remote.address, TOKEN) as access:
        header = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        # For this origin alone, whatever else git may have to talk to.
        setting = ("http.https://example.org/.extraHeader", f"Authorization: Basic {header}")
        assert access.settings == (setting,)
        assert repr(access) == "Access(***)"
    assert TOKEN not in repr(remote)
