"""Ignore files of a scanned repository, where they are honoured: waivers that everybody can see."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from datetime import datetime, timedelta

from compline.findings.waivers import Selector, Source, Waiver, WaiverState
from compline.model import Target, digest_of
from compline.pipeline.inputs import Inputs
from compline.pipeline.lives import waiver_policy
from compline.pipeline.session import Session
from compline.pipeline.waive import end_of
from compline.scanners.ignore_files import FILES, Ignored, ignored
from compline.store.ids import new_waiver_id
from compline.store.waiver_sync import sync_waivers

_UNLIMITED = 365
"""Days for which an ignore file counts where no severity has a longest time."""


def sync_ignore_files(session: Session, inputs: Inputs) -> None:
    """Makes the waivers of a repository's ignore files those that are there at this revision.

    They count as long as the gravest finding may be waived, from when they were first seen.

    Raises:
        SourceError: the tree cannot be read.
    """
    target = inputs.work.target
    snapshot = inputs.snapshot()
    paths = {entry.oid: entry.path for entry in snapshot.entries if entry.path in FILES}
    found = [
        (paths[oid], entry)
        for oid, content in snapshot.read(paths)
        if content is not None
        for entry in ignored(paths[oid], content)
    ]
    within = f"ignore:{target.name}:"
    sync_waivers(
        session.store,
        tuple(_waivers(session, inputs, target, found, within)),
        waiver_policy(session.config.waivers),
        session.now(),
        source=Source.INLINE,
        within=within,
    )


def _waivers(
    session: Session,
    inputs: Inputs,
    target: Target,
    found: list[tuple[str, Ignored]],
    within: str,
) -> Iterator[Waiver]:
    now = session.now()
    days = min(session.config.waivers.longest_days.values(), default=_UNLIMITED)
    asks = bool(session.config.waivers.second_person)
    places: dict[str, set[int | None]] = {}
    for path, entry in found:
        places.setdefault(path, set()).add(entry.line)
    history = inputs.history(places)
    seen: set[str] = set()
    for path, entry in found:
        selector = Selector(entry.rules, (entry.scanner,), (glob.escape(target.name),), entry.paths)
        key = f"{within}{path}:{digest_of(selector.as_json())[:16]}"
        if key in seen:
            continue  # written twice
        seen.add(key)
        commit = history.get((path, entry.line))
        origin = {"path": path, "line": entry.line}
        if commit is not None:
            origin |= {"commit": commit.id, "author": commit.author, "at": commit.at.isoformat()}
        author = commit.author if commit else ""
        expires_at = _end(entry, now + timedelta(days=days))
        over = expires_at <= now
        state = WaiverState.PENDING if asks else WaiverState.ACTIVE
        yield Waiver(
            id=new_waiver_id(),
            source=Source.INLINE,
            state=WaiverState.EXPIRED if over else state,
            reason=entry.reason or f"{path} at line {entry.line or '?'}",
            owner=author or "the author of the line",
            created_at=now,
            expires_at=expires_at,
            selector=selector,
            requester=author,
            key=key,
            origin=origin,
        )


def _end(entry: Ignored, latest: datetime) -> datetime:
    return latest if entry.expires is None else min(latest, end_of(entry.expires))
