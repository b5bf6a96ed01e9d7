"""Where a repository's mirror lies."""

from __future__ import annotations

import hashlib
import re

from compline.config.secrets import SecretMissing
from compline.model import Target
from compline.pipeline.heads import remote_of
from compline.pipeline.session import Session
from compline.source.mirror import Mirror
from compline.source.snapshot import SourceError


def mirror_of(session: Session, target: Target) -> Mirror:
    """The mirror of a repository, which may not have been fetched yet.

    Raises:
        SourceError: its credential is not there.
    """
    place = hashlib.sha256(target.locator.encode()).hexdigest()[:12]
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", target.name)[:60].strip("-.")
    try:
        remote = remote_of(target, session.secrets, session.workspace)
    except SecretMissing as error:
        raise SourceError(str(error)) from error
    return Mirror(
        session.workspace / "mirrors" / f"{word}-{place}.git",
        remote,
        session.config.limits,
        target.settings.get("history", "shallow"),
    )
