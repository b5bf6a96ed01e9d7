"""The end of a run: nothing planned may be without a ledger row, and the run gets its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from compline.model import Failed, Look, RunResult, Severity, State
from compline.pipeline.lives import keep_urgency
from compline.pipeline.manifest import write_decisions, write_manifest
from compline.pipeline.progress import Progress
from compline.pipeline.request import BadRequest, Request
from compline.pipeline.session import Session
from compline.pipeline.work import Work, from_payload
from compline.store.findings import Condition, FindingFilter, count_findings
from compline.store.lapse import lapse
from compline.store.ledger import adhoc_result, coverage
from compline.store.record import record, record_adhoc
from compline.store.runs import finish_run, get_run
from compline.store.shards import list_shards, read_shard, recorded_pairs
from compline.store.urgency import kept_mark
from compline.store.waiver_views import waived_findings

_UNFINISHED = "the scan task did not finish; see its log and run again"


def conclude(session: Session, run: int) -> RunResult:
    """Fills the ledger where a scan task died, and finishes the run with its result.

    The result is incomplete if anything failed; else findings if any open one of the run's
    targets that is not waived reaches the run's fail-at severity; else clean, if anything was
    looked at.
    """
    view = get_run(session.store, run)
    request = Request.from_json(view.parameters)
    _fill(session, run, request)
    lapse(session.store, run, session.now(), stale_days=session.config.lifecycle.stale_days)
    _keep_urgency(session, run)
    rows = coverage(session.store, run)
    outcomes = Counter(row.outcome for row in rows)
    counts = _open_counts(session, run, request, sorted({row.target for row in rows}))
    grave = sum(n for severity, n in counts.items() if Severity(severity).reaches(request.fail_at))
    if outcomes["failed"] or not rows:
        result = RunResult.INCOMPLETE
    elif grave:
        result = RunResult.FINDINGS
    else:
        # Nothing that was only skipped is known to be clean.
        result = RunResult.CLEAN if outcomes["completed"] else RunResult.INCOMPLETE
    summary: dict[str, Any] = {
        "outcomes": dict(outcomes),
        "open": counts,
        "at_or_above": {request.fail_at.value: grave},
        "failed": [f"{row.target}/{row.scanner}" for row in rows if row.outcome == "failed"],
        **kept_mark(get_run(session.store, run).summary),
    }
    write_decisions(session)
    write_manifest(session, run, result.value)
    finish_run(session.store, run, result, session.now(), summary)
    session.report(Progress("conclude", f"run {run}: {result.value}", "✓"))
    return result


def _keep_urgency(session: Session, run: int) -> None:
    """Anew, since the run may have seen what depends on what."""
    try:
        keep_urgency(session, run)
    except BadRequest as error:  # it was readable when the run began
        session.report(Progress("conclude", f"risks stay as they were: {error}", "!"))


def _fill(session: Session, run: int, request: Request) -> None:
    """A failed row for each planned look that nobody recorded."""
    recorded = recorded_pairs(session.store, run)
    for shard in list_shards(session.store, run):
        for item in from_payload(read_shard(session.store, run, shard.number)):
            looks = [
                Look(item.target.name, scanner, Failed(_UNFINISHED), revision=item.revision)
                for scanner in item.scanners
                if (item.target.name, scanner) not in recorded
            ]
            if looks:
                _record_unfinished(session, run, request, item, looks)


def _record_unfinished(
    session: Session, run: int, request: Request, item: Work, looks: Sequence[Look]
) -> None:
    now = session.now()
    if request.tracked:
        record(
            session.store, run, item.target.name, looks,
            looked_at=item.asked, now=now, ref=item.target.ref,
        )  # fmt: skip
    else:
        record_adhoc(session.store, run, item.target, looks, now=now)


def _open_counts(
    session: Session, run: int, request: Request, targets: Sequence[str]
) -> dict[str, int]:
    """What is there by severity and not waived: open findings, or what an ad hoc look saw."""
    counts: Counter[str] = Counter()
    now = session.now()
    if request.tracked:
        chosen = FindingFilter(
            states=(State.OPEN,), targets=tuple(targets), without=(Condition.WAIVED,), now=now
        )
        for (_, severity, _), number in count_findings(session.store, chosen).items():
            counts[severity.value] += number
    else:
        seen = adhoc_result(session.store, run)
        waived = waived_findings(session.store, {finding for finding, _ in seen.known}, now)
        known = (observation for finding, observation in seen.known if finding not in waived)
        for observation in (*seen.new, *known):
            counts[observation.severity.value] += 1
    return dict(counts)
