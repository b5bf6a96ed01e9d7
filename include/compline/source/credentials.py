"""Hands a credential to git for the time of one command: by environment or a private file.

Never on a command line (everybody on the host can read those), in a URL or in a configuration file.
"""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compline.source.address import Address
from compline.source.errors import SourceError

TOKEN_USER = "x-access-token"  # noqa: S105 - a user name
"""Sent with a bare token: GitHub asks for this name, GitLab and Gitea take any."""


@dataclass(frozen=True)
class Access:
    """What a git command needs to reach an address; both parts are secret."""

    environment: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    """git configuration, to be handed over by environment."""

    def __repr__(self) -> str:
        return "Access(***)"


def check_credential(address: Address, credential: str | None) -> None:
    """Refuses a credential that the address has no use for or that would be exposed.

    Raises:
        SourceError: says which.
    """
    if not credential:
        return
    if address.scheme == "file":
        raise SourceError(f"{address.url}: a file:// repository takes no credential; remove it")
    if address.scheme == "http" and not address.is_loopback:
        raise SourceError(f"{address.url}: http would send the credential in clear: use https")
    if address.scheme == "ssh":
        if "PRIVATE KEY-----" not in credential:
            raise SourceError(
                f"{address.url}: an ssh repository takes a private key (the text of the key file)"
            )
    elif not credential.isprintable() or not credential.isascii():
        raise SourceError(
            f"{address.url}: an http(s) repository takes a token or user:token, on one line"
        )


@contextmanager
def access_to(
    address: Address, credential: str | None, known_hosts: Path | None = None
) -> Iterator[Access]:
    """What git needs for this address; a key file exists only inside the block.

    Raises:
        SourceError: the credential does not fit the address.
    """
    check_credential(address, credential)
    if address.scheme == "ssh":
        with _key_file(credential) as key:
            yield Access(environment=_ssh(key, known_hosts))
    elif address.scheme == "file":
        yield Access()
    else:
        yield Access(settings=_http(address, credential))


def _http(address: Address, credential: str | None) -> tuple[tuple[str, str], ...]:
    # What stays on the machine goes through no proxy, least of all with a credential.
    settings = [("http.proxy", "")] if address.is_loopback else []
    if credential:
        pair = credential if ":" in credential else f"{TOKEN_USER}:{credential}"
        basic = base64.b64encode(pair.encode()).decode()
        # Bound to the origin, so that a redirect or a proxy never gets it.
        settings.append((f"http.{address.origin}/.extraHeader", f"Authorization: Basic {basic}"))
    return tuple(settings)


def _ssh(key: Path | None, known_hosts: Path | None) -> tuple[tuple[str, str], ...]:
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        # Without a credential of ours no key of the user's is tried either.
        "IdentityFile": str(key or "none"),
        "IdentityAgent": "none",
        "StrictHostKeyChecking": "accept-new",
        "ConnectTimeout": "30",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "ControlPath": "none",
    }
    if known_hosts:
        options["UserKnownHostsFile"] = str(known_hosts.absolute())
    words = ["ssh", "-F", "/dev/null", "-T", "-x", "-a"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    # The variant is said, or git would start ssh once more to find it out.
    return (("GIT_SSH_COMMAND", shlex.join(words)), ("GIT_SSH_VARIANT", "ssh"))


@contextmanager
def _key_file(key: str | None) -> Iterator[Path | None]:
    if not key:
        yield None
        return
    if "\n" not in key.strip():
        # Many secret stores keep one line, with the line ends written out.
        key = key.replace("\\n", "\n")
    directory = Path(tempfile.mkdtemp(prefix="compline-key-"))
    try:
        path = directory / "key"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(key.replace("\r\n", "\n").strip() + "\n")
        yield path
    finally:
        shutil.rmtree(directory)
