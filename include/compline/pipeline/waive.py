"""Accepts risks: from the command line, and from the reviewed waivers.yaml at a run's start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from compline.config.loader import ConfigError
from compline.config.waivers import WaiverEntry, load_waivers
from compline.findings.waivers import Selector, Source, Waiver, WaiverState
from compline.model import digest_of
from compline.pipeline.lives import waiver_policy
from compline.pipeline.progress import Progress
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.store.ids import new_waiver_id
from compline.store.waiver_scope import finish_selectors
from compline.store.waiver_sync import WaiversSynced, resume_comments, sync_waivers
from compline.store.waivers import add_waiver, approve_waiver


def add(
    session: Session,
    *,
    finding: str,
    selector: Selector,
    reason: str,
    owner: str,
    expires: date,
    requester: str,
) -> tuple[Waiver, int]:
    """A waiver from the command line, and how many open findings it holds now.

    Raises:
        BadRequest: it is about nothing, for ever, or over already; it says what is missing.
        StoreError: there is no such open finding, or it may not be waived for so long.
    """
    now = session.now()
    if bool(finding) == bool(selector.as_json()):
        raise BadRequest(
            "give either a finding, or at least one of --rule, --scanner, --target, --path, --label"
        )
    for name, value in (("reason", reason), ("owner", owner), ("requester (--by)", requester)):
        if not value.strip():
            raise BadRequest(f"a waiver needs its {name}")
    expires_at = end_of(expires)
    if expires_at <= now:
        raise BadRequest(f"{expires.isoformat()} is over: give a day to come")
    most = max(session.config.waivers.longest_days.values(), default=None)
    if most is not None and expires_at > now + timedelta(days=most):
        raise BadRequest(f"no waiver may last longer than {most} days")
    draft = Waiver(
        id=new_waiver_id(),
        source=Source.CLI,
        state=WaiverState.ACTIVE,
        reason=reason.strip(),
        owner=owner.strip(),
        created_at=now,
        expires_at=expires_at,
        finding=finding,
        selector=selector,
        requester=requester.strip(),
    )
    return add_waiver(session.store, draft, waiver_policy(session.config.waivers), now)


def approve(session: Session, name: str, by: str) -> tuple[Waiver, int]:
    """Another person agrees with a waiver that waits for it.

    Raises:
        BadRequest: nobody says who it is.
        StoreError: there is no such waiver, it does not wait, or it is the requester's own.
    """
    if not by.strip():
        raise BadRequest("an approval needs a name: --by")
    policy = waiver_policy(session.config.waivers)
    return approve_waiver(session.store, name, by.strip(), policy, session.now())


def written_waivers(session: Session) -> tuple[Waiver, ...]:
    """What waivers.yaml says; nothing where none is configured.

    Raises:
        BadRequest: it has mistakes; the message gives their places.
    """
    path = session.config.waivers.file
    if path is None:
        return ()
    now = session.now()
    try:
        entries = load_waivers(path, session.config.waivers, now.date())
    except ConfigError as error:
        raise BadRequest(str(error)) from error
    return tuple(_written(path, line, entry, now) for line, entry in entries)


def sync_written(session: Session, written: Sequence[Waiver]) -> WaiversSynced:
    """Makes the store's waivers of the file those that are written there.

    Comments in scanned code count, or not, as the configuration has it now.
    """
    now = session.now()
    policy = waiver_policy(session.config.waivers)
    finish_selectors(session.store, policy, now)
    synced = sync_waivers(session.store, written, policy, now, source=Source.FILE)
    if session.config.ignore.honour_inline:
        resume_comments(session.store, now)
    else:
        sync_waivers(session.store, (), policy, now, source=Source.INLINE)
    if synced.added or synced.ended:
        text = f"waivers.yaml: {synced.added} new, {synced.ended} ended"
        session.report(Progress("discover", text, "✓"))
    for problem in synced.refused:
        session.report(Progress("discover", problem, "!"))
    return synced


def end_of(day: date) -> datetime:
    """The moment at which a day is over, UTC."""
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


def _written(path: Path, line: int, entry: WaiverEntry, now: datetime) -> Waiver:
    expires_at = end_of(entry.expires)
    waiver = Waiver(
        id=new_waiver_id(),
        source=Source.FILE,
        state=WaiverState.ACTIVE if expires_at > now else WaiverState.EXPIRED,
        reason=entry.reason,
        owner=entry.owner,
        created_at=now,
        expires_at=expires_at,
        finding=entry.finding,
        selector=Selector(
            tuple(entry.rule),
            tuple(entry.scanner),
            tuple(entry.target),
            tuple(entry.path),
            entry.labels,
        ),
        requester=entry.requester or entry.owner,
        approver=entry.approver,
        origin={"path": path.name, "line": line},
    )
    return replace(waiver, key=f"file:{digest_of(entry.model_dump(mode='json'))[:32]}")
