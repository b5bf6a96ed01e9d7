"""Reports made elsewhere become looks: read against the sources, recorded by the same laws."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from compline.collector import uncollected
from compline.config.secrets import SecretMissing
from compline.model import (
    Completed,
    Failed,
    Gap,
    GapReason,
    Look,
    RunResult,
    ScanKey,
    Severity,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.pipeline.conclude import conclude
from compline.pipeline.discover import begin
from compline.pipeline.heads import Seen, ask_all
from compline.pipeline.inputs import Inputs
from compline.pipeline.notify import notify
from compline.pipeline.progress import describe
from compline.pipeline.record import record_target
from compline.pipeline.reimport import Report, remember, reuse
from compline.pipeline.request import BadRequest, Request, select_targets
from compline.pipeline.session import Session
from compline.pipeline.work import Work
from compline.scanners.imports import formats
from compline.scanners.imports.known_code import KnownCode
from compline.scanners.imports.report import Broken, Reading, Settings, check_format, parse
from compline.scanners.imports.sources import Sources
from compline.scanners.secret_identity import KeyUnusable, SecretKey
from compline.scanners.trivy.command import secret_key_of
from compline.scanners.trivy.licences import LicencePolicy
from compline.source.snapshot import SourceError

ADAPTER = "1"
"""Raised whenever the same report would be read otherwise."""
_KINDS = frozenset({TargetKind.REPOSITORY, TargetKind.IMAGE})
_KINDS_OF = {"garak": frozenset({TargetKind.ENDPOINT})}
"""What a format's reports are about, where that is not repositories and images."""
_NOT_WHOLE = Gap(
    GapReason.PARTIAL, "", "the report was imported without --complete: what it lacks stays open"
)


@dataclass(frozen=True)
class Import:
    """What is asked for."""

    format: str
    """One of `scanners.imports.report.FORMATS`."""
    data: bytes
    """The file."""
    target: str
    revision: str = ""
    """What the report is about; empty: what it says itself, else the tracked head."""
    complete: bool = False
    """Whether it is a whole look: then what it does not show is gone."""
    fail_at: Severity = Severity.HIGH


def import_report(session: Session, asked: Import) -> tuple[int, RunResult]:
    """Imports a report as a run of its own; gives the run's number and result.

    Raises:
        WrongFile: it is not the kind of file that it was said to be; no run is opened.
        BadRequest: no such target, or none that reports are about.
        StoreError: the store refused.
    """
    (target,) = select_targets(session.config, Request(targets=(asked.target,)))
    kinds = _KINDS_OF.get(asked.format, _KINDS)
    if target.kind not in kinds:
        raise BadRequest(
            f"{target.name} is of the kind {target.kind}: reports of {asked.format} are imported "
            f"for {' and '.join(sorted(kinds))} targets"
        )
    most = session.config.limits.tool_output_mb << 20
    if len(asked.data) > most:
        raise BadRequest(f"the report is larger than `limits.tool_output_mb` ({most >> 20} MB)")
    document, error = _document(asked)
    wanted = asked.revision or _told(asked.format, document)
    head, seen = _seen(session, target, wanted)
    tracked = not wanted or (bool(head.revision) and seen.revision == head.revision)
    request = Request(
        targets=(target.name,),
        revision="" if tracked else seen.revision or wanted,
        fail_at=asked.fail_at,
    )
    run = begin(session, "import", uuid.uuid4().hex, request)
    work = Work(target, seen.asked, seen.revision, seen.ref, (), error=seen.error)
    inputs = Inputs(session, work, request.revision)
    report = _report(session, asked) if tracked and not (error or seen.error) else None
    try:
        if report is None or not reuse(session, run, work, report):
            with uncollected():
                looks = _looks(session, asked, document, error or seen.error, inputs)
            inputs.work = replace(work, scanners=tuple(look.scanner for look in looks))
            for look in looks:
                session.report(describe(look))
            record_target(session, run, request, inputs, looks)
            if report is not None:
                remember(session, run, work, report)
    finally:
        inputs.close()
    result = conclude(session, run)
    notify(session)
    return run, result


def _document(asked: Import) -> tuple[Any, str]:
    """The report as its reader wants it, or why it is broken.

    Raises:
        WrongFile: it is another kind of file.
    """
    try:
        document = parse(asked.data)
    except Broken as error:
        return None, str(error)
    check_format(asked.format, document)
    try:
        return formats.prepared(asked.format, document), ""
    except (KeyError, TypeError, AttributeError) as error:
        return None, f"the report is not whole ({type(error).__name__})"


def _told(name: str, document: Any) -> str:
    try:
        return formats.revision(name, document) if document is not None else ""
    except (KeyError, TypeError, AttributeError):
        return ""


def _seen(session: Session, target: Target, revision: str) -> tuple[Seen, Seen]:
    """The tracked head, and what the report is about."""
    if target.kind is not TargetKind.REPOSITORY:
        (head,) = ask_all([target], session.secrets, session.config, "", session.now)
        return head, replace(head, revision=revision) if revision and not head.error else head
    (head,) = ask_all([target], session.secrets, session.config, "", session.now)
    if not revision or head.error or revision == head.revision:
        return head, head
    (seen,) = ask_all([target], session.secrets, session.config, revision, session.now)
    return head, seen


def _looks(
    session: Session, asked: Import, document: Any, error: str, inputs: Inputs
) -> Sequence[Look]:
    work = inputs.work
    about = f"{work.target.name} at {work.revision[:12]}"
    failed = Look(work.target.name, f"import:{asked.format}", Failed(error), revision=work.revision)
    if error:
        return [failed]
    try:
        is_repository = work.target.kind is TargetKind.REPOSITORY
        code = KnownCode(session.store.cache)
        sources = Sources(inputs.snapshot() if is_repository else None, about, code=code)
        settings = settings_of(session)
        readings = formats.reader(asked.format)(document, sources, settings)
        sources.keep()
    except (Broken, SourceError, SecretMissing) as problem:
        return [replace(failed, outcome=Failed(str(problem)))]
    report = canonical_json(formats.kept(asked.format, document, sources.paths))
    digest = session.evidence.put(report)
    return [_look(asked, work, reading, settings.key, digest) for reading in readings]


def _look(asked: Import, work: Work, reading: Reading, key: SecretKey | None, digest: str) -> Look:
    found = reading.observations
    if key is not None:
        found = key.of_target(work.target.name, found)
    gaps = reading.gaps if asked.complete else (*reading.gaps, _NOT_WHOLE)
    return Look(
        target=work.target.name,
        scanner=reading.scanner,
        outcome=Completed(found, gaps),
        revision=work.revision,
        scan_key=ScanKey(
            tool=digest_of([reading.tool, reading.version]),
            adapter=f"import/{ADAPTER}",
            rules=digest_of(reading.rules) if reading.rules else "",
            options=digest_of({"format": asked.format}),
        ),
        tool_version=f"{reading.tool} {reading.version}".strip(),
        warnings=_warnings(asked),
        evidence=(digest,),
        # Nothing was planted in it: a second report as poor as a held one releases nothing.
        fresh=False,
    )


def _warnings(asked: Import) -> tuple[str, ...]:
    return (f"imported from a report with the SHA-256 {hashlib.sha256(asked.data).hexdigest()}",)


def _report(session: Session, asked: Import) -> Report | None:
    """What the reading depends on; None where that cannot be had."""
    try:
        settings = settings_of(session)
    except SecretMissing:
        return None
    return Report(
        hashlib.sha256(asked.data).hexdigest(),
        asked.format,
        ADAPTER,
        asked.complete,
        settings,
        _warnings(asked),
    )


def settings_of(session: Session) -> Settings:
    """What reading depends on: the key that hashes secrets, the licences that are forbidden."""
    try:
        key = secret_key_of(session.scan_context())
    except KeyUnusable:
        key = None  # the reader says so where it comes upon a secret
    return Settings(key, LicencePolicy(session.config.scanners.trivy.forbidden_licences))
