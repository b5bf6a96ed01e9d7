"""A report that was taken in before is not read again: its look stands, and the ledger says so.

What is known is kept in the results cache: the bytes of a report, with everything else that its
reading depends on, lead to the run that has read it. It is reused as a night reuses a look (see
`plan`): only while exactly that run's looks are the last completed ones of all its scanners.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from compline.model import ScanKey, digest_of
from compline.pipeline.plan import reusable_looks
from compline.pipeline.progress import Progress
from compline.pipeline.session import Session
from compline.pipeline.work import Work
from compline.scanners.imports.known_code import code_version
from compline.scanners.imports.report import Settings
from compline.store.ledger import coverage
from compline.store.record import Reuse, record_reused

_NAME = "import"


@dataclass(frozen=True)
class Report:
    """What a reading depends on."""

    sha256: str
    """Of the file."""
    format: str
    adapter: str
    """Version of the readers."""
    complete: bool
    """Whether it was said to be a whole look."""
    settings: Settings
    warnings: tuple[str, ...]
    """What the ledger says of it."""


def reuse(session: Session, run: int, work: Work, report: Report) -> bool:
    """Records that the report says what it said before; False where it must be read.

    Raises:
        StoreError: the store refused.
    """
    key, content = _key(report), _content(session, work, report)
    found = session.store.cache.get_many(_NAME, key, [content]).get(content)
    if found is None:
        return False
    before, keys = json.loads(found)
    looks = reusable_looks(session)
    reuses = []
    for scanner, scan_key in keys.items():
        last = looks.get((work.target.name, scanner))
        if last is None or last.scanned_run != before:
            return False
        if not last.reusable(work.revision, scan_key):
            return False
        reuses.append(Reuse(last.target, scanner, work.revision, scan_key, report.warnings))
    refused = record_reused(session.store, run, reuses, looked_at=work.asked, now=session.now())
    for each in reuses:
        if each not in refused:
            label = f"{each.target:<24} {each.scanner:<20}"
            session.report(Progress("scan", f"{label} the report of run {before}", "↺"))
    return not refused


def remember(session: Session, run: int, work: Work, report: Report) -> None:
    """Notes that this run has read the report, if what it said was recorded.

    Raises:
        StoreError: the store refused.
    """
    rows = coverage(session.store, run)
    said = {(row.outcome, row.result, row.reused_from) for row in rows}
    if said != {("completed", "recorded", None)}:
        return
    known = json.dumps([run, {row.scanner: row.scan_key for row in rows}])
    content = _content(session, work, report)
    session.store.cache.put_many(_NAME, _key(report), {content: known.encode()})


def _key(report: Report) -> ScanKey:
    return ScanKey(tool=code_version(), adapter=f"import/{report.adapter}")


def _content(session: Session, work: Work, report: Report) -> str:
    key = report.settings.key
    return digest_of(
        {
            "report": report.sha256,
            "format": report.format,
            "complete": report.complete,
            "target": work.target.name,
            "revision": work.revision,
            "secrets": key.ids if key else (),
            "licences": sorted(session.config.scanners.trivy.forbidden_licences),
            # They decide which files can be read.
            "limits": session.config.limits.model_dump(exclude={"git_seconds"}),
        }
    )
