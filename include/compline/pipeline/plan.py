"""Decides what a run must scan and what it can reuse, and keeps the plan in shards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from compline.advisories.age import stale_warning
from compline.model import Look, ScanKey, Skipped
from compline.pipeline.distrust import distrusted, is_trusted
from compline.pipeline.heads import Seen, ask_all
from compline.pipeline.progress import Progress, describe
from compline.pipeline.request import (
    HONOURS,
    Request,
    is_left_out,
    select_scanners,
    select_targets,
)
from compline.pipeline.session import Session
from compline.pipeline.work import Work, into_shards, to_payload
from compline.scanners import registry
from compline.scanners.interface import CannotScan, ScanContext
from compline.store.looks import LastLook, last_looks
from compline.store.record import Reuse, record, record_reused
from compline.store.runs import get_run, runs_with
from compline.store.shards import list_shards, save_plan

Pair = tuple[str, str]
log = logging.getLogger(__name__)


def plan(session: Session, run: int) -> int:
    """Asks every target for its head, records what is unchanged, keeps the rest as shards.

    A plan stands once it is saved: planning again (a retry) gives the same shards.

    Returns:
        The number of shards; their numbers are 0 to that.

    Raises:
        BadRequest: the run asks for what is not there.
    """
    standing = list_shards(session.store, run)
    if standing:
        return len(standing)
    request = Request.from_json(get_run(session.store, run).parameters)
    targets = select_targets(session.config, request)
    session.report(Progress("plan", f"asking {len(targets)} targets for their heads"))
    seen = ask_all(targets, session.secrets, session.config, request.revision, session.now)
    scanners = select_scanners(session.config, request)
    # Keys cost the import of all that scanners need, and only what has revisions is reused.
    kinds = {one.target.kind for one in seen if one.revision}
    needed = [name for name in scanners if registry.kinds(name) & kinds]
    decided = decide(
        seen,
        scanners,
        _scan_keys(needed, session.scan_context()),
        reusable_looks(session) if request.tracked else {},
        lambda look, now: _age(session, look, now),
        fresh=request.fresh,
    )
    work = _reuse(session, run, decided)
    if request.tracked and not request.scanners:
        _skip(session, run, [one for one in seen if is_left_out(one.target, scanners)])
    shards = into_shards(work, session.config.execution.shard_targets)
    saved = save_plan(session.store, run, [to_payload(shard) for shard in shards], session.now())
    scans = sum(len(item.scanners) for item in work)
    session.report(Progress("plan", f"{scans} scans of {len(work)} targets to do", "✓"))
    return saved


def _skip(session: Session, run: int, seen: Sequence[Seen]) -> None:
    """A ledger row for each target whose every scanner is disabled: it must not just be missing."""
    for one in seen:
        looks = [
            Look(
                one.target.name,
                scanner,
                Skipped(f"disabled by `scanners: {{{scanner}: {{enabled: false}}}}`"),
                one.revision,
            )
            for scanner in registry.names()
            if one.target.kind in registry.kinds(scanner)
        ]
        for look in looks:
            session.report(describe(look))
        record(
            session.store, run, one.target.name, looks,
            looked_at=one.asked, now=session.now(), ref=one.target.ref,
        )  # fmt: skip


def reusable_looks(session: Session) -> Mapping[Pair, LastLook]:
    """The last looks that may be reused.

    Waivers come out of comments and ignore files when a target is looked at. So where these count,
    a look from a time when they did not is taken again; what it sees comes from the cache. So is
    one that stands on cached results of which one turned out wrong; those were dropped.
    """
    since = distrusted(session.store)
    looks = {
        pair: look for pair, look in last_looks(session.store).items() if is_trusted(look, since)
    }
    if not session.config.ignore.honour_inline:
        return looks
    scanned = {look.scanned_run for look in looks.values() if look.scanned_run is not None}
    honoured = runs_with(session.store, scanned, HONOURS)
    return {pair: look for pair, look in looks.items() if look.held or look.scanned_run in honoured}


def decide(
    seen: Sequence[Seen],
    scanners: Sequence[str],
    keys: Mapping[str, ScanKey],
    last: Mapping[Pair, LastLook],
    warnings: Callable[[LastLook, datetime], tuple[str, ...]],
    *,
    fresh: bool,
) -> list[tuple[Work, tuple[Reuse, ...]]]:
    """Pure: per target what is to be scanned, and what the last completed look already says.

    Reused is only what was completed on the same revision with the same ScanKey, of a target that
    has revisions (services are always asked), and not held.
    """
    return [_decide(one, scanners, keys, last, warnings, fresh=fresh) for one in seen]


def _decide(
    seen: Seen,
    scanners: Sequence[str],
    keys: Mapping[str, ScanKey],
    last: Mapping[Pair, LastLook],
    warnings: Callable[[LastLook, datetime], tuple[str, ...]],
    *,
    fresh: bool,
) -> tuple[Work, tuple[Reuse, ...]]:
    name = seen.target.name
    todo: list[str] = []
    must_be_fresh: list[str] = []
    reuses: list[Reuse] = []
    for scanner in scanners:
        if seen.target.kind not in registry.kinds(scanner):
            continue
        known = last.get((name, scanner))
        key = keys[scanner].digest if scanner in keys else ""
        if fresh or (known is not None and known.held):
            must_be_fresh.append(scanner)
        elif known and seen.revision and key and known.reusable(seen.revision, key):
            reuses.append(Reuse(name, scanner, seen.revision, key, warnings(known, seen.asked)))
            continue
        todo.append(scanner)
    work = Work(
        target=seen.target,
        asked=seen.asked,
        revision=seen.revision,
        ref=seen.ref,
        scanners=tuple(todo),
        fresh=tuple(must_be_fresh),
        error=seen.error,
    )
    return work, tuple(reuses)


def _age(session: Session, look: LastLook, now: datetime) -> tuple[str, ...]:
    """What must be said of a reused look by now: its advisories may have grown old meanwhile."""
    if not look.advisory_date:
        return ()
    limit = session.config.advisories.max_age_days
    warning = stale_warning("the advisories", look.advisory_date, now, limit)
    return (warning,) if warning else ()


def _scan_keys(scanners: Sequence[str], context: ScanContext) -> dict[str, ScanKey]:
    """The keys that can be had; a scanner without one is not reused, and says why when it scans."""
    keys = {}
    for name in scanners:
        try:
            keys[name] = registry.load(name).scan_key(context)
        except CannotScan:
            continue
        except Exception:  # its own failed looks will tell; the others are planned all the same
            log.exception("%s: no scan key", name)
    return keys


def _reuse(
    session: Session, run: int, decided: Sequence[tuple[Work, tuple[Reuse, ...]]]
) -> list[Work]:
    """Records what is reused in one go; gives what is left to scan.

    Looks are ordered by when the head was asked for; with the earliest of them for all, a target
    that another run has recorded meanwhile is refused here and scanned.
    """
    reuses = [reuse for _, of_target in decided for reuse in of_target]
    refused: set[Pair] = set()
    if reuses:
        asked = min(work.asked for work, of_target in decided if of_target)
        back = record_reused(session.store, run, reuses, looked_at=asked, now=session.now())
        refused = {(reuse.target, reuse.scanner) for reuse in back}
        session.report(Progress("plan", f"{len(reuses) - len(back)} looks reused", "↺"))
    work = [
        replace(
            item,
            scanners=(
                *item.scanners,
                *(r.scanner for r in of_target if (r.target, r.scanner) in refused),
            ),
        )
        for item, of_target in decided
    ]
    return [item for item in work if item.scanners]
