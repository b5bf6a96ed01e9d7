"""The same large report through `compline import`, with everything that comes before recording.

Reading it against the sources (a parse of every file, fingerprints, masking, evidence) costs more
than recording. The very same report again is not read at all; the same findings in another file
(`repeated`), as from another build of the commit, are, but the code that they are about is known.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import corpus
import report
from peak import Peak

from compline.config.schema import Config
from compline.config.secrets import SecretResolver
from compline.model import Target, TargetKind
from compline.pipeline.imports import Import, import_report
from compline.pipeline.session import Session, open_session
from compline.store.findings import FindingFilter, list_findings
from compline.store.ledger import coverage
from compline.store.targets import sync_targets

PHASES = ("first", "unchanged", "repeated", "shifted")


def importing(url: str, home: Path, made: report.Report) -> dict[str, tuple[float, int]]:
    """Findings a second of whole imports, and MiB at their peak; leaves if anything is wrong.

    Args:
        url: of an empty store.
        home: where `report.build` has made the repository.
        made: what it made.
    """
    repository = home / "repository"
    corpus.git(repository, "branch", "both", made.shifted.revision)
    address = f"file://{repository}"
    config = Config.model_validate(
        {
            "organisation": "bench",
            "workspace": str(home / "work"),
            "store": "env:STORE",
            "targets": {"repositories": [{"name": "large", "url": address, "branch": "main"}]},
            "alerts": {"console": False},
        }
    )
    results = {}
    with open_session(config, SecretResolver({"STORE": url}), lambda _: None) as session:
        target = Target(TargetKind.REPOSITORY, "large", address, ref="main")
        sync_targets(session.store, [target], datetime.now(UTC))
        for phase in PHASES:
            commit = made.shifted if phase == "shifted" else made.first
            corpus.git(repository, "update-ref", "refs/heads/main", commit.revision)
            data = _json(commit) + (b"\n" if phase == "repeated" else b"")
            before = _open(session)
            with Peak() as peak:
                seconds = _import(session, data)
            results[phase] = len(commit.observations) / seconds, peak.mib
            _check(phase, commit, before, _open(session))
    return results


def _open(session: Session) -> dict[str, tuple[str, int | None]]:
    """Where each open finding is, by its id."""
    return {one.id: (one.path, one.line) for one in list_findings(session.store, FindingFilter())}


def _check(phase: str, commit: report.Commit, before: Any, after: Any) -> None:
    if phase != "first" and before.keys() != after.keys():
        raise SystemExit(f"{phase}: {len(before.keys() ^ after.keys())} were opened or closed")
    if set(after.values()) != {(one.place.path, one.place.line) for one in commit.observations}:
        raise SystemExit(f"{phase}: the lines are not those of the files")


def _import(session: Session, data: bytes) -> float:
    began = time.monotonic()
    run, _ = import_report(session, Import("semgrep", data, "large", complete=True))
    seconds = time.monotonic() - began
    [row] = coverage(session.store, run)
    if (row.outcome, row.result) != ("completed", "recorded"):
        raise SystemExit(f"the import is {row.outcome}, {row.result}: {row.reason}")
    return seconds


def _json(commit: report.Commit) -> bytes:
    """What Semgrep writes for it, less what is not read."""
    results: list[dict[str, Any]] = [
        {
            "check_id": f"rules.{one.rule}",
            "path": one.place.path,
            "start": {"line": one.place.line, "col": one.place.column},
            "end": {"line": one.place.end_line, "col": one.place.end_column},
            "extra": {
                "message": one.title,
                "severity": "ERROR",
                "metadata": {"cwe": list(one.cwe), "confidence": "MEDIUM"},
                "fingerprint": "requires login",
                "lines": "requires login",
            },
        }
        for one in commit.observations
    ]
    scanned = sorted({one.place.path for one in commit.observations})
    document = {"version": "1.100.0", "results": results, "errors": []}
    return json.dumps(document | {"paths": {"scanned": scanned}}).encode()
