"""Records all looks of one target, in one transaction, as the life of its findings allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from compline.findings.change import TreeChange
from compline.findings.history import History, Line
from compline.findings.renames import RuleRenames
from compline.model import Completed, Look, TargetKind
from compline.pipeline.approvals import with_approvals
from compline.pipeline.ignores import sync_ignore_files
from compline.pipeline.inputs import Inputs
from compline.pipeline.lives import policy_of
from compline.pipeline.manifest import with_statement
from compline.pipeline.progress import Progress
from compline.pipeline.request import Request
from compline.pipeline.session import Session
from compline.scanners.interface import CannotScan
from compline.scanners.renames import rule_renames, tool_renames
from compline.source.snapshot import SourceError
from compline.store.record import Recorded, record, record_adhoc


def record_target(
    session: Session, run: int, request: Request, inputs: Inputs, looks: Sequence[Look]
) -> None:
    """Writes the looks down and says what they changed.

    Raises:
        StoreError: the store refused; nothing of this target was written.
        EvidenceUnavailable: nor could its evidence be kept.
    """
    target = inputs.work.target
    if request.tracked:
        looks = [with_approvals(session, target, look) for look in looks]
    looks = [with_statement(session.evidence, look) for look in looks]
    # Only a completed look is compared with what was there: what failed may not even have a tree,
    # and of an address that is not listed nothing is known.
    looked = any(isinstance(look.outcome, Completed) for look in looks)
    changes = _changes(session, inputs) if looked and not request.other else {}
    if not request.tracked:
        found = record_adhoc(
            session.store,
            run,
            target,
            looks,
            now=session.now(),
            changes=changes,
            renames=_renames(session),
        )
        text = f"{target.name}: {len(found.new)} new against the tracked ref"
        session.report(Progress("record", text, "✓"))
        return
    if looked and session.config.ignore.honour_inline:
        _ignore_files(session, inputs)
    recorded = record(
        session.store,
        run,
        target.name,
        looks,
        looked_at=inputs.work.asked,
        now=session.now(),
        ref=target.ref,
        changes=changes,
        policy=policy_of(session.config, _renames(session)),
        history=partial(_history, session, inputs, looks, changes),
    )
    # A look that came too late must not take the pin back to the older commit.
    if looked and any(row.result != "superseded" for row in recorded.rows):
        _pin(session, inputs)
    session.report(Progress("record", f"{target.name}: {_summary(recorded)}", "✓"))


def _changes(session: Session, inputs: Inputs) -> Mapping[str, TreeChange]:
    """What changed since the last looks; without it, findings are matched by content alone."""
    try:
        return inputs.changes()
    except SourceError as error:
        text = f"{inputs.work.target.name}: trees cannot be compared ({error})"
        session.report(Progress("record", text, "!"))
        return {}


def _pin(session: Session, inputs: Inputs) -> None:
    try:
        inputs.pin()
    except SourceError as error:
        text = f"{inputs.work.target.name}: its commit is not kept for the next night ({error})"
        session.report(Progress("record", text, "!"))


def _history(
    session: Session,
    inputs: Inputs,
    looks: Sequence[Look],
    changes: Mapping[str, TreeChange],
    asked: frozenset[Line],
) -> History:
    """Who wrote what is told: lines in files that changed, and comments that are honoured."""
    touched = {path for change in changes.values() for path in change.touched}
    comments = _comments(looks) if session.config.ignore.honour_inline else frozenset()
    places: dict[str, set[int | None]] = defaultdict(set)
    for path, line in asked:
        if path in touched or (path, line) in comments:
            places[path].add(line)
    try:
        return inputs.history(places)
    except SourceError as error:
        text = f"{inputs.work.target.name}: its history cannot be read ({error})"
        session.report(Progress("record", text, "!"))
        return {}


def _comments(looks: Sequence[Look]) -> frozenset[Line]:
    return frozenset(
        (seen.place.path, seen.place.line)
        for look in looks
        if isinstance(look.outcome, Completed)
        for seen in look.outcome.observations
        if seen.suppression
    )


def _ignore_files(session: Session, inputs: Inputs) -> None:
    if inputs.work.target.kind is not TargetKind.REPOSITORY:
        return
    try:
        sync_ignore_files(session, inputs)
    except SourceError as error:
        text = f"{inputs.work.target.name}: its ignore files cannot be read ({error})"
        session.report(Progress("record", text, "!"))


def _renames(session: Session) -> RuleRenames:
    try:
        return rule_renames(session.config)
    except CannotScan:
        return tool_renames()  # Semgrep's look has failed for it and said so


def _summary(recorded: Recorded) -> str:
    parts = [
        f"{len(ids)} {word}"
        for word, ids in (
            ("opened", recorded.opened),
            ("reopened", recorded.reopened),
            ("resolved", recorded.resolved),
        )
        if ids
    ]
    odd = [f"{row.scanner} {row.result}" for row in recorded.rows if row.result not in _ORDINARY]
    return ", ".join([*parts, *odd]) or "nothing changed"


_ORDINARY = ("recorded", "already")
