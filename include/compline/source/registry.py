"""Pulls an image out of a registry into an archive, by skopeo: no daemon, nothing is run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compline.source.address import is_loopback
from compline.source.errors import SourceError
from compline.source.failures import Meanings, failure
from compline.source.process import Bounds, Finished, run

_REFERENCE = re.compile(
    # github.com/distribution/reference, with the registry's host always written out.
    r"(?P<host>(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d{1,5})?)"
    r"/(?P<name>[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LONGEST = 512
_PASSED = (
    *("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
)
_OF_SKOPEO: Meanings = (
    (
        "unauthorized|authentication required|denied|status code 40[13]",
        "access was refused: give user:password that may pull it, `credential: env:NAME`",
    ),
    (
        "manifest unknown|name unknown|NAME_UNKNOWN|not found|status code 404",
        "there is no such image or tag: check the reference",
    ),
    (
        "HTTP response to HTTPS client|does not look like a TLS handshake",
        "the registry speaks plain http: only this host and those in `adhoc.private_hosts` may",
    ),
    ("x509|certificate|tls:", "the TLS connection was not trusted: check the host and its CA"),
    (
        "file size limit|file too large|signal 25",
        "it is larger than an image may be here",
    ),
    ("no space left on device", "the workspace's disk is full: make room"),
    (
        "no such host|connection refused|timeout|no route to host|connection reset|EOF",
        "the registry cannot be reached: check the host, network and proxy, or try again later",
    ),
)


@dataclass(frozen=True, slots=True)
class _Reference:
    text: str
    host: str
    """With its port."""


def image_digest(
    reference: str,
    credential: str | None = None,
    *,
    seconds: float = 60,
    insecure_hosts: Collection[str] = (),
) -> str:
    """`sha256:…` of what the reference points at now; costs one small request, no download.

    Raises:
        SourceError: as for `pull_image`.
    """
    found = _parse(reference)
    with _skopeo(found, credential, insecure_hosts, None) as skopeo:
        manifest = skopeo.run(("inspect", "--raw"), (), "", Bounds(seconds))
    return f"sha256:{hashlib.sha256(manifest.stdout).hexdigest()}"


def pull_image(
    reference: str,
    credential: str | None,
    destination: Path,
    *,
    seconds: float = 1800,
    most_mb: int = 20_480,
    insecure_hosts: Collection[str] = (),
) -> None:
    """Copies an image into a new docker-archive at `destination`, whole or not at all.

    `credential` is user:password. Plain http is used only with this host and `insecure_hosts`.

    Raises:
        SourceError: skopeo is not there, the reference is not one, or the registry refuses.
    """
    found = _parse(reference)
    if ":" in str(destination):
        raise SourceError(f"{destination}: skopeo takes no path with a colon")
    # Absolute: skopeo is started in another working directory than ours.
    part = destination.absolute().with_name(f"{destination.name}.{os.getpid()}.part")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        # Layers pass through its directory: it must be where there is room for them.
        with _skopeo(found, credential, insecure_hosts, part.parent) as skopeo:
            bounds = Bounds(seconds, file_bytes=most_mb << 20)
            skopeo.run(("copy", "--quiet"), (f"docker-archive:{part}",), "src-", bounds)
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Skopeo:
    executable: str
    reference: _Reference
    directory: Path
    """Private; holds the credential and skopeo's configuration."""
    secrets: tuple[str, ...]
    verify: bool

    def run(
        self, verb: tuple[str, ...], destination: tuple[str, ...], prefix: str, bounds: Bounds
    ) -> Finished:
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        environment |= {
            "HOME": str(self.directory),
            "XDG_RUNTIME_DIR": str(self.directory),
            "CONTAINERS_REGISTRIES_CONF": str(self.directory / "registries.conf"),
            "LC_ALL": "C",
        }
        finished = run(
            [
                self.executable,
                f"--policy={self.directory / 'policy.json'}",
                f"--registries.d={self.directory / 'registries.d'}",
                f"--tmpdir={self.directory}",
                *verb,
                f"--{prefix}tls-verify={'true' if self.verify else 'false'}",
                f"--{'src-' if prefix else ''}authfile={self.directory / 'auth.json'}",
                f"docker://{self.reference.text}",
                *destination,
            ],
            environment=environment,
            bounds=bounds,
        )
        if finished.returncode:
            raise failure(
                f"{self.reference.text} cannot be pulled",
                finished,
                self.secrets,
                program="skopeo",
                meanings=_OF_SKOPEO,
            )
        return finished


@contextmanager
def _skopeo(
    reference: _Reference,
    credential: str | None,
    insecure_hosts: Collection[str],
    near: Path | None,
) -> Iterator[_Skopeo]:
    executable = shutil.which("skopeo")
    if executable is None:
        raise SourceError(
            f"{reference.text} cannot be pulled without skopeo: install it (`apt install skopeo`), "
            "or save the image and name the file in `archive:`"
        )
    if credential and ":" not in credential:
        raise SourceError(f"{reference.text}: the credential of a registry is user:password")
    name = reference.host.rpartition(":")[0] or reference.host
    allowed = is_loopback(name) or not {name, reference.host}.isdisjoint(insecure_hosts)
    with tempfile.TemporaryDirectory(prefix="compline-pull-", dir=near) as text:
        directory = Path(text)
        auths = {}
        if credential:
            auths[reference.host] = {"auth": base64.b64encode(credential.encode()).decode()}
        _write(directory / "auth.json", json.dumps({"auths": auths}))
        # Nobody else's settings: no mirrors, no short names, no other credentials.
        _write(directory / "policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        _write(directory / "registries.conf", "")
        (directory / "registries.d").mkdir()
        yield _Skopeo(
            executable, reference, directory, (credential,) if credential else (), not allowed
        )


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _parse(reference: str) -> _Reference:
    found = _REFERENCE.fullmatch(reference) if len(reference) <= _LONGEST else None
    if not found:
        # Without what may be a credential before the host.
        shown = re.sub("^[^/]*@", "***@", reference[:200])
        raise SourceError(
            f"{shown!a} is not a full image reference: write registry/name:tag or "
            "registry/name@sha256:…, for example docker.io/library/python:3.11"
        )
    return _Reference(reference, found["host"])
