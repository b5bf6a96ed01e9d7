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
from compline.source.remote import Remote, resolve_head
from compline.source.snapshot import SourceError

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
        return _ask(target, secrets, config.limits, revision, clock())

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="heads") as pool:
        return list(pool.map(ask, targets))


def remote_of(target: Target, secrets: SecretResolver, revision: str = "") -> Remote:
    """The repository behind a target, its credential resolved, at the tracked ref or a revision.

    Raises:
        SecretMissing: the referenced credential is not there.
    """
    reference = target.settings.get("credential")
    credential = secrets.resolve(str(reference)) if reference else None
    return Remote(url=target.locator, ref=revision or target.ref, credential=credential)


def _ask(
    target: Target, secrets: SecretResolver, limits: Limits, revision: str, asked: datetime
) -> Seen:
    try:
        match target.kind:
            case TargetKind.REPOSITORY:
                head = resolve_head(remote_of(target, secrets, revision), limits)
                return Seen(target, asked, revision=head.commit)
            case TargetKind.IMAGE if not target.locator.startswith("docker://"):
                return Seen(target, asked, revision=open_image(Path(target.locator)).digest)
            case _:
                return Seen(target, asked)
    except (SourceError, SecretMissing) as error:
        return Seen(target, asked, error=str(error))
