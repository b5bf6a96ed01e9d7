"""A repository elsewhere, and the one question that is asked of it first: where its head is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compline.config.schema import Limits
from compline.source.address import Address, parse_address
from compline.source.credentials import access_to, check_credential
from compline.source.errors import SourceError
from compline.source.failures import failure
from compline.source.git import Git
from compline.source.refs import check_ref, is_object_id

_ABBREVIATED = re.compile(r"[0-9a-f]{4,63}")


@dataclass(frozen=True)
class Remote:
    """Where a repository is, and which of its refs has findings with a life.

    Raises:
        SourceError: a URL, ref or credential that is refused; says what to write instead.
    """

    url: str
    ref: str = ""
    """Branch or tag, or a full name (`refs/heads/main`); empty for the remote's HEAD."""
    credential: str | None = field(default=None, repr=False)
    """The value itself: a token or user:token for http(s), a private key's text for ssh."""
    known_hosts: Path | None = None
    """Where ssh keeps the servers' keys; None for the user's own file."""

    def __post_init__(self) -> None:
        check_credential(self.address, self.credential)
        if self.ref:
            check_ref(self.ref)

    @property
    def address(self) -> Address:
        """The URL in parts."""
        return parse_address(self.url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.credential,) if self.credential else ()


@dataclass(frozen=True, slots=True)
class Head:
    """Where a ref of a remote stood when it was asked."""

    ref: str
    """`HEAD` or the full name, `refs/heads/main`; empty for a bare commit id."""
    commit: str


@contextmanager
def git_for(remote: Remote, limits: Limits) -> Iterator[Git]:
    """git with access to this remote, and to nothing else, inside the block."""
    address = remote.address
    with access_to(address, remote.credential, remote.known_hosts) as access:
        yield Git(limits, protocol=address.scheme, access=access)


def resolve_head(remote: Remote, limits: Limits) -> Head:
    """Asks where the remote's tracked ref stands: one `git ls-remote`, safe in many threads.

    Raises:
        SourceError: unreachable, refused, no such repository or ref, or out of time.
    """
    return _resolve(remote, remote.ref, limits)


def resolve_revision(remote: Remote, revision: str, limits: Limits) -> Head:
    """The commit behind a branch, a tag or a commit id; a full commit id is not asked for.

    Raises:
        SourceError: as for `resolve_head`.
    """
    if is_object_id(revision):
        return Head("", revision)
    return _resolve(remote, revision, limits)


def _resolve(remote: Remote, ref: str, limits: Limits) -> Head:
    names = _candidates(ref)
    # A tag object's commit comes under its name with ^{}.
    patterns = [form for name in names for form in (name, f"{name}^{{}}")]
    if names == ["HEAD"]:
        patterns = names
    with git_for(remote, limits) as git:
        finished = git.run("ls-remote", "--quiet", "--", remote.url, *patterns)
    if finished.returncode:
        raise failure(f"{remote.url} cannot be asked for its head", finished, remote.secrets)
    found = dict(_answers(finished.stdout))
    for name in names:
        if commit := found.get(f"{name}^{{}}") or found.get(name):
            return Head(name, commit)
    raise SourceError(_not_found(remote, ref))


def _candidates(ref: str) -> list[str]:
    if ref in ("", "HEAD"):
        return ["HEAD"]
    check_ref(ref)
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/heads/{ref}", f"refs/tags/{ref}"]


def _answers(output: bytes) -> Iterator[tuple[str, str]]:
    for line in output.decode("utf-8", "replace").splitlines():
        commit, _, name = line.partition("\t")
        if is_object_id(commit):
            yield name, commit


def _not_found(remote: Remote, ref: str) -> str:
    if ref in ("", "HEAD"):
        return (
            f"{remote.url} has no HEAD: it is empty, or its default branch is gone; "
            "name the branch in `branch:`"
        )
    if _ABBREVIATED.fullmatch(ref):
        return f"{remote.url} has no branch or tag {ref}; a commit must be given by its full id"
    return f"{remote.url} has no branch or tag {ref!r}: check its spelling"
