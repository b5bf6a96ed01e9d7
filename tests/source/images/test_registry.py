"""Pulling images: from a registry on loopback, by the real skopeo."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from compline.source.errors import SourceError
from compline.source.images import image_digest, open_image, pull_image

TOKEN = "s3cr3t-registry-passw0rd"
needs_skopeo = pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")

LAYER = bytes(10_240)
CONFIG = json.dumps(
    {
        "created": "2024-05-06T07:08:09Z",
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(LAYER).hexdigest()]},
    }
).encode()


def _described(kind: str, content: bytes) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    media = f"application/vnd.docker.{kind}"
    return {"mediaType": media, "digest": digest, "size": len(content)}


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": _described("container.image.v1+json", CONFIG),
        "layers": [_described("image.rootfs.diff.tar", LAYER)],
    }
).encode()
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


@dataclass
class Registry:
    """As much of the distribution API as a pull needs."""

    host: str = ""
    password: str = ""
    layer: bytes = LAYER
    requests: list[str] = field(default_factory=list)
    wait: threading.Event = field(default_factory=threading.Event)
    delay: float = 0.0


@pytest.fixture
def registry() -> Iterator[Registry]:
    """One image: team/app:1."""
    state = Registry()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            state.requests.append(self.path)
            state.wait.wait(state.delay)
            basic = base64.b64encode(f"bot:{state.password}".encode()).decode()
            headers = {}
            if state.password and self.headers.get("Authorization") != f"Basic {basic}":
                status, content = 401, b"{}"
                headers = {"WWW-Authenticate": 'Basic realm="registry"'}
            elif self.path == "/v2/":
                status, content = 200, b"{}"
            elif self.path in ("/v2/team/app/manifests/1", f"/v2/team/app/manifests/{DIGEST}"):
                status, content = 200, MANIFEST
                headers = {"Content-Type": json.loads(MANIFEST)["mediaType"]}
            elif self.path.startswith("/v2/team/app/blobs/"):
                status = 200
                wanted = self.path.rpartition(":")[2]
                content = CONFIG if wanted == hashlib.sha256(CONFIG).hexdigest() else state.layer
            else:
                status = 404
                content = (
                    b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
                )
                headers = {"Content-Type": "application/json"}
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.host = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield state
        state.wait.set()
        server.shutdown()
        thread.join()


@needs_skopeo
@pytest.mark.parametrize("by", [":1", f"@{DIGEST}"])
def test_pull_and_open(registry: Registry, tmp_path: Path, by: str) -> None:
    archive = tmp_path / "images" / "app.tar"
    pull_image(f"{registry.host}/team/app{by}", None, archive)
    facts = open_image(archive)
    assert facts.digest == f"sha256:{hashlib.sha256(CONFIG).hexdigest()}"
    assert facts.layers == ("sha256:" + hashlib.sha256(LAYER).hexdigest(),)
    assert [path.name for path in archive.parent.iterdir()] == ["app.tar"]


@needs_skopeo
def test_the_digest_costs_no_download(registry: Registry) -> None:
    assert image_digest(f"{registry.host}/team/app:1") == DIGEST
    assert registry.requests == ["/v2/", "/v2/team/app/manifests/1"]


_NOTING = """#!/bin/sh
printf '%s\\n' "$@" >> {notes}
env >> {notes}
for word in "$@"; do
    case "$word" in *authfile=*) stat -c '%a' "${{word#*=}}" >> {notes}.modes ;; esac
done
exec {skopeo} "$@"
"""


@needs_skopeo
def test_a_private_registry(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.password = TOKEN
    reference = f"{registry.host}/team/app:1"
    for credential in (None, "bot:wrong", "bot:" + TOKEN[:-1]):
        with pytest.raises(SourceError, match="access was refused: give user:password") as caught:
            pull_image(reference, credential, tmp_path / "a.tar")
        assert TOKEN[:-1] not in str(caught.value)
    notes = tmp_path / "notes"
    program = tmp_path / "bin" / "skopeo"
    program.parent.mkdir()
    program.write_text(_NOTING.format(notes=notes, skopeo=shutil.which("skopeo")))
    program.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("REGISTRY_AUTH_FILE", "/elsewhere")
        pull_image(reference, f"bot:{TOKEN}", tmp_path / "a.tar")
        assert image_digest(reference, f"bot:{TOKEN}") == DIGEST
    told = notes.read_text()
    assert "docker://" in told
    for form in (TOKEN, base64.b64encode(f"bot:{TOKEN}".encode()).decode(), "/elsewhere"):
        assert form not in told
    assert (tmp_path / "notes.modes").read_text().split() == ["600", "600"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.tar",
        "bin",
        "notes",
        "notes.modes",
    ]


@needs_skopeo
def test_plain_http_only_where_it_is_allowed(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compline.source.registry.is_loopback", lambda _: False)
    reference = f"{registry.host}/team/app:1"
    with pytest.raises(SourceError, match="speaks plain http"):
        pull_image(reference, None, tmp_path / "a.tar")
    for allowed in ("127.0.0.1", registry.host):
        pull_image(reference, None, tmp_path / "a.tar", insecure_hosts=[allowed])


@needs_skopeo
def test_what_goes_wrong(registry: Registry, tmp_path: Path) -> None:
    target = tmp_path / "a.tar"
    with pytest.raises(SourceError, match="no such image or tag: check the reference"):
        pull_image(f"{registry.host}/team/app:2", None, target)
    with pytest.raises(SourceError, match="the registry cannot be reached"):
        pull_image("127.0.0.1:1/team/app:1", None, target)
    with pytest.raises(SourceError, match="takes no path with a colon"):
        pull_image(f"{registry.host}/team/app:1", None, tmp_path / "a:b.tar")
    registry.layer = b"another layer"
    with pytest.raises(SourceError, match="cannot be pulled"):
        pull_image(f"{registry.host}/team/app:1", None, target)
    registry.layer = LAYER
    with pytest.raises(SourceError, match="larger than an image may be here"):
        pull_image(f"{registry.host}/team/app:1", None, target, most_mb=0)
    registry.delay = 30
    with pytest.raises(SourceError, match=r"longer than the 0.5 s allowed"):
        pull_image(f"{registry.host}/team/app:1", None, target, seconds=0.5)
    assert list(tmp_path.iterdir()) == []


@needs_skopeo
def test_an_older_archive_stays_where_a_pull_fails(registry: Registry, tmp_path: Path) -> None:
    target = tmp_path / "a.tar"
    pull_image(f"{registry.host}/team/app:1", None, target)
    before = target.read_bytes()
    with pytest.raises(SourceError):
        pull_image(f"{registry.host}/team/app:2", None, target)
    assert target.read_bytes() == before
    pull_image(f"{registry.host}/team/app:1", None, target)
    assert open_image(target)


def test_without_skopeo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        SourceError, match=r"install it \(`apt install skopeo`\), or save the image"
    ):
        pull_image("localhost/a:1", None, tmp_path / "a.tar")


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "python",
        "python:3.11",
        "library/python:3.11",
        "docker://docker.io/library/python",
        "example.org/A:1",
        "example.org/a:1@" + DIGEST,
        "example.org/a@sha256:abc",
        "example.org/a b",
        "example.org/a\n",
        "example.org/../a",
        "-x.example.org/a:-x",
        "--creds=x/a",
        "example.org/" + "a" * 600,
        "user:secret@example.org/a",
    ],
)
def test_references_that_are_none(tmp_path: Path, reference: str) -> None:
    says = "is not a full image reference: write registry/name:tag"
    with pytest.raises(SourceError, match=says) as caught:
        pull_image(reference, None, tmp_path / "a.tar")
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_a_credential_is_a_pair(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="credential of a registry is user:password") as caught:
        pull_image("example.org/a:1", TOKEN, tmp_path / "a.tar")
    assert TOKEN not in str(caught.value)
