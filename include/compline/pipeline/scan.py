"""One shard: every scanner over its targets, each target recorded once its looks are complete."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from compline.model import Failed, Look
from compline.pipeline.claim import LEASE, Claim, ShardTaken
from compline.pipeline.inputs import Inputs
from compline.pipeline.progress import describe
from compline.pipeline.record import record_target
from compline.pipeline.request import Request
from compline.pipeline.session import Session
from compline.pipeline.trees import Trees
from compline.pipeline.work import Work, from_payload
from compline.scanners import registry
from compline.scanners.interface import CannotScan
from compline.store.runs import get_run
from compline.store.shards import claim_shard, finish_shard, list_shards, recorded_pairs

log = logging.getLogger(__name__)


def scan_shard(session: Session, run: int, number: int, owner: str) -> None:
    """Scans and records what of the shard is missing or failed; nothing if it is done.

    Raises:
        ShardTaken: another owner is at it, or took it over while this one was at it.
        StoreError: the looks could not be recorded.
    """
    payload = claim_shard(session.store, run, number, owner, session.now(), LEASE)
    if payload is None:
        views = [view for view in list_shards(session.store, run) if view.number == number]
        if any(view.state == "done" for view in views):
            return
        raise ShardTaken(f"shard {number} of run {run} is being scanned by another worker")
    request = Request.from_json(get_run(session.store, run).parameters)
    recorded = recorded_pairs(session.store, run)

    def left(item: Work) -> Work:
        names = (
            scanner
            for scanner in item.scanners
            if recorded.get((item.target.name, scanner), "failed") == "failed"
        )
        return replace(item, scanners=tuple(names))

    work = [item for item in map(left, from_payload(payload)) if item.scanners]
    with Claim(session, run, number, owner) as claim:
        _scan(session, run, request, work, claim)
    finish_shard(session.store, run, number, owner, session.now())


def _scan(session: Session, run: int, request: Request, work: Sequence[Work], claim: Claim) -> None:
    inputs = {
        item.target.name: Inputs(session, item, request.revision, request.about) for item in work
    }
    try:
        _scan_inputs(session, run, request, inputs, claim)
    finally:
        for one in inputs.values():
            one.close()


def _scan_inputs(
    session: Session, run: int, request: Request, inputs: Mapping[str, Inputs], claim: Claim
) -> None:
    work = [one.work for one in inputs.values()]
    trees = Trees(session, run, inputs)
    looks: dict[str, list[Look]] = {item.target.name: [] for item in work}
    for scanner in registry.names():
        asked = [item for item in work if scanner in item.scanners]
        if not asked:
            continue
        claim.confirm()
        # Closed at once, so that a scan which is given up leaves no tool running.
        with closing(_look(session, scanner, asked, inputs, trees)) as seen:
            for look in seen:
                session.report(describe(look))
                looks[look.target].append(look)
                one = inputs[look.target]
                if len(looks[look.target]) == len(one.work.scanners):
                    claim.confirm()
                    record_target(session, run, request, one, looks.pop(look.target))
                    one.recorded()


def _look(
    session: Session,
    scanner: str,
    asked: Sequence[Work],
    inputs: Mapping[str, Inputs],
    trees: Trees,
) -> Generator[Look]:
    """Exactly one look for each target asked about, whatever the scanner does."""
    waiting = {item.target.name: item for item in asked}
    started = time.monotonic()
    for item in asked:
        if item.error:
            del waiting[item.target.name]
            yield _failed(item, scanner, item.error)
    error = "the scanner gave no answer for this target"
    jobs = [inputs[name].job(scanner) for name in waiting]
    context = replace(session.scan_context(), trees=trees)
    try:
        if jobs:
            for look in registry.load(scanner).scan(jobs, context):
                if waiting.pop(look.target, None) is not None:
                    yield look
    except CannotScan as problem:
        error = str(problem)
    except Exception as problem:  # one scanner's crash is its own outcome; the others still run
        log.exception("%s crashed", scanner)
        error = f"the scanner crashed: {type(problem).__name__}: {problem}; see the task's log"
    for item in waiting.values():
        yield replace(_failed(item, scanner, error), seconds=time.monotonic() - started)


def _failed(item: Work, scanner: str, error: str) -> Look:
    return Look(item.target.name, scanner, Failed(error), revision=item.revision)
