"""Routes what got worse, or well, into the outbox."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from compline.alerts.owners import PLACES, CodeOwners, parse
from compline.alerts.routing import Router
from compline.config.alerts import OWNERS
from compline.findings.graph import nothing
from compline.findings.regressions import Cause
from compline.model import Target, TargetKind
from compline.pipeline.graph import reach_by_target
from compline.pipeline.mirrors import mirror_of
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session
from compline.source.snapshot import SourceError
from compline.store.findings import FindingFilter, FindingView, list_findings
from compline.store.ids import is_finding_id
from compline.store.routing import Plan, inbox_of, route
from compline.store.worse import RegressionView
from compline.targets.listed import Listed

_FILE_KB = 512
"""A longer CODEOWNERS is not read."""


def route_all(session: Session) -> Plan:
    """Everything that nobody has routed yet, what is due, and what is well again."""
    now = session.now()
    silence = session.config.alerts.silence
    silent = now - silence if silence is not None else None
    # Owners need git, and the reach the whole graph of assets: neither has a place in a writing
    # transaction. So what comes while they are looked up waits for the next time.
    seen = inbox_of(session.store, now, silent)
    anything = bool(seen.fresh or seen.due or seen.silent)
    made = router(session, owners_of(session, seen.fresh), anything=anything)
    return route(
        session.store,
        lambda inbox: made.plan(inbox, now),
        now,
        silent_since=silent,
        only=[view.id for view in seen.fresh],
    )


def router(
    session: Session, owners: Mapping[int, tuple[str, ...]], *, anything: bool = True
) -> Router:
    """The configured rules.

    Args:
        session: whose configuration and graph.
        owners: number of a regression to whoever owns it.
        anything: whether there may be something to tell; else no graph is loaded.
    """
    config = session.config
    return Router(
        config.alerts,
        config.organisation,
        lambda: str(uuid.uuid4()),
        owners,
        reach_by_target(session) if anything else nothing,
    )


def owners_of(session: Session, views: Sequence[RegressionView]) -> dict[int, tuple[str, ...]]:
    """Number of a regression to its owners: of the code, else who changed it, else the target's.

    Nothing is looked up where the configuration asks for none of it.
    """
    settings = session.config.alerts.owners
    if not (settings.codeowners or settings.blame) and not any(
        OWNERS in rule.to for rule in session.config.alerts.rules_in_force()
    ):
        return {}
    by_path: Mapping[str, tuple[str, ...]] = {}
    if settings.codeowners:
        ids = [v.regression.subject for v in views if is_finding_id(v.regression.subject)]
        by_path = _code_owners(session, ids)
    found = {}
    for view in views:
        owners = list(by_path.get(view.regression.subject, ()))
        if not owners and settings.blame:
            owners = _author(view.regression.cause)
        if not owners:
            owners = [view.labels[name] for name in settings.labels if name in view.labels]
        found[view.id] = tuple(owners)
    return found


def _author(cause: Cause) -> list[str]:
    """The address of who changed it."""
    if cause.commit is None:
        return []
    name, _, rest = cause.commit.author.rpartition("<")
    address = rest.rstrip(">").strip() if name else ""
    return [address.lower() or cause.commit.author]


def _code_owners(session: Session, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    targets = {target.name: target for target in Listed().discover(session.config)}
    files: dict[tuple[str, str], CodeOwners | None] = {}
    found: dict[str, tuple[str, ...]] = {}
    for finding in _findings(session, ids):
        target = targets.get(finding.target)
        if target is None or target.kind is not TargetKind.REPOSITORY:
            continue
        key = (finding.target, finding.revision)
        if key not in files:
            files[key] = _file(session, target, finding.revision)
        owners = files[key]
        if owners is not None:
            found[finding.id] = owners.of(finding.path)
    return found


def _findings(session: Session, ids: Sequence[str]) -> Iterable[FindingView]:
    if not ids:
        return ()
    return list_findings(session.store, FindingFilter(ids=tuple(dict.fromkeys(ids))))


def _file(session: Session, target: Target, revision: str) -> CodeOwners | None:
    """The repository's CODEOWNERS at that commit, None where it has none that can be read."""
    try:
        mirror = mirror_of(session, target)
        if not revision or not mirror.has(revision):
            return None
        snapshot = mirror.snapshot(revision)
        entries = {entry.path: entry for entry in snapshot.entries}
        place = next((path for path in PLACES if path in entries), None)
        if place is None or entries[place].size > _FILE_KB * 1024:
            return None
        content = dict(snapshot.read([entries[place].oid])).get(entries[place].oid)
    except SourceError as error:
        text = f"{target.name}: its CODEOWNERS cannot be read ({error})"
        session.report(Progress("notify", text, "!"))
        return None
    return parse(content.decode("utf-8", "replace")) if content else None
