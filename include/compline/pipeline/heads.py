"""What every target is at now: one question to each, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from compline.config.schema import Config, Limits
from compline.config.secrets import SecretMissing, SecretResolver
from compline.model import Target, TargetKind
from compline.source.images import open_image
from compline.source.registry import image_digest
from compline.source.remote import Head, Remote, resolve_head, resolve_revision
from compline.source.snapshot import SourceError

PULLED = "docker://"
"""What the locator of an image in a registry begins with."""
_AT_ONCE = 8
"""Questions under way; a git server is asked politely."""


@dataclass(frozen=True)
class Seen:
    """A target as it was when asked."""

    target: Target
    asked: datetime
    """Just before the question; the order of looks is by this."""
    revision: str = ""
    """Commit or image digest; empty for services, which are asked when they are scanned."""
    ref: str = ""
    """Full name of the ref that the commit was the head of; empty where there is none."""
    error: str = ""
    """Why it could not be asked; every scanner of the target is then Failed with it."""


def ask_all(
    targets: Iterable[Target],
    secrets: SecretResolver,
    config: Config,
    revision: str,
    clock: Callable[[], datetime],
) -> list[Seen]:
    """The state of each target, in order; one that does not answer has an error, never is lost.

    Args:
        revision: branch, tag or commit to ask for instead of the tracked ref; empty: the ref.
    """

    def ask(target: Target) -> Seen:
        return _ask(target, secrets, config, revision, clock())

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="heads") as pool:
        return list(pool.map(ask, targets))


def credential_of(target: Target, secrets: SecretResolver) -> str | None:
    """The target's own credential, None where the configuration names none.

    Raises:
        SecretMissing: the referenced credential is not there.
    """
    reference = target.settings.get("credential")
    return secrets.resolve(str(reference)) if reference else None


def remote_of(target: Target, secrets: SecretResolver, workspace: Path) -> Remote:
    """The repository behind a target, its credential resolved.

    Raises:
        SecretMissing: the referenced credential is not there.
    """
    return Remote(
        url=target.locator,
        ref=target.ref,
        credential=credential_of(target, secrets),
        known_hosts=workspace / "known_hosts",
    )


def _ask(
    target: Target, secrets: SecretResolver, config: Config, revision: str, asked: datetime
) -> Seen:
    try:
        match target.kind:
            case TargetKind.REPOSITORY:
                head = _head(remote_of(target, secrets, config.workspace), revision, config.limits)
                return Seen(target, asked, revision=head.commit, ref=head.ref)
            case TargetKind.IMAGE if target.locator.startswith(PULLED):
                reference = target.locator.removeprefix(PULLED)
                digest = image_digest(
                    reference,
                    credential_of(target, secrets),
                    insecure_hosts=config.adhoc.private_hosts,
                )
                return _image(target, asked, digest, revision)
            case TargetKind.IMAGE:
                return _image(target, asked, open_image(Path(target.locator)).digest, revision)
            case _:
                return Seen(target, asked)
    except (SourceError, SecretMissing) as error:
        return Seen(target, asked, error=str(error))


def _image(target: Target, asked: datetime, digest: str, wanted: str) -> Seen:
    """The image as it is; another than the one asked for cannot be looked at."""
    if wanted and wanted != digest:
        return Seen(target, asked, error=f"the image is {digest} now, not {wanted}")
    return Seen(target, asked, revision=digest)


def _head(remote: Remote, revision: str, limits: Limits) -> Head:
    if revision:
        return resolve_revision(remote, revision, limits)
    return resolve_head(remote, limits)
