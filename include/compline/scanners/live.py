"""How a live service is looked at: whatever goes wrong with one is its own Failed look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from compline.config.secrets import SecretMissing
from compline.model import Failed, FilesRead, Look, Outcome, ScanKey, Target
from compline.scanners.interface import Job, ScanContext
from compline.scanners.services import unforeseen


@dataclass
class Notes:
    """What a check writes down on its way; what it has by then counts if it fails too."""

    key: ScanKey | None = None
    warnings: tuple[str, ...] = ()
    evidence: list[bytes] = field(default_factory=list)
    """Reports for the locker; kept only when the check ends."""
    memory: bytes | None = None
    """See `Look.memory`."""
    sandbox: str = ""
    """How tools were confined, where the check starts some."""
    files: FilesRead | None = None
    """See `Look.files`."""


def looks_at(
    jobs: Sequence[Job],
    scanner: str,
    context: ScanContext,
    tool_version: str,
    expected: tuple[type[Exception], ...],
    doing: str,
    judge: Callable[[Job, Notes], Outcome],
) -> Iterator[Look]:
    """A look at each target in turn, as `live_look` makes it.

    Args:
        jobs: the targets.
        scanner, context, tool_version, expected: as for `live_look`.
        doing: what is done with each, for people who watch.
        judge: asks and judges one.
    """
    for job in jobs:
        context.progress(f"{job.target.name}: {doing}")
        one = partial(judge, job)
        yield live_look(job.target, scanner, context, tool_version, expected, one)


def live_look(
    target: Target,
    scanner: str,
    context: ScanContext,
    tool_version: str,
    expected: tuple[type[Exception], ...],
    judge: Callable[[Notes], Outcome],
) -> Look:
    """The look that a check makes of one service.

    Args:
        target: the service.
        scanner: the check's name.
        context: of the run.
        tool_version: what asked, for the ledger.
        expected: exceptions whose texts are for people and hold no secret; `SecretMissing` is
            one always. Of any other only the place is told.
        judge: asks and judges.
    """
    started = time.monotonic()
    notes = Notes()
    outcome: Outcome
    evidence: tuple[str, ...] = ()
    try:
        outcome = judge(notes)
        evidence = tuple(context.evidence.put(report) for report in notes.evidence)
    except Exception as error:
        known = isinstance(error, (SecretMissing, *expected))
        outcome = Failed(str(error) if known else unforeseen(error))
    return Look(
        target=target.name,
        scanner=scanner,
        outcome=outcome,
        revision=context.now.isoformat(timespec="seconds"),
        scan_key=notes.key,
        tool_version=tool_version,
        warnings=notes.warnings,
        evidence=evidence,
        memory=notes.memory,
        sandbox=notes.sandbox,
        files=notes.files,
        seconds=round(time.monotonic() - started, 3),
    )
