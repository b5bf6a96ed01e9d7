"""pip-audit itself: which advisories it finds for a set of releases, and whether to believe it.

It is given a lock file of ours (pylock.toml, PEP 751) with all releases at once: unlike a
requirements file, that may name several versions of one package, and nothing in it can be built,
resolved or downloaded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import OsvSource
from compline.advisories.records import Record
from compline.advisories.service import OsvService, Release
from compline.advisories.severity import of_record
from compline.config.schema import Limits
from compline.model import MISSED_CANARY, Severity
from compline.tools.process import Finished, ProcessLimits, ToolError, run
from compline.tools.toolbox import Tool

_PER_PROCESS = 1_000
"""Releases from which on a further process pays for its start, which takes a second."""


class AuditFailed(Exception):
    """Nothing that pip-audit said, or did not say, can be believed; the message says why."""


@dataclass(frozen=True)
class Vulnerability:
    """One advisory that holds for a release."""

    rule: str
    """The id that it goes by: of its ids the CVE, else the GHSA, else the PYSEC."""
    ids: tuple[str, ...]
    """All ids, sorted."""
    fixed: tuple[str, ...]
    """Versions that mend it, ascending."""
    severity: Severity
    vector: str
    """The CVSS vector behind the severity, empty if there is none."""
    cwe: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What is known of one release."""

    vulnerabilities: tuple[Vulnerability, ...]
    asked: datetime
    skipped: str = ""
    """Why pip-audit did not look at it; empty if it did."""


@dataclass(frozen=True)
class Audit:
    """The outcome for a set of releases."""

    answers: Mapping[Release, Answer]
    """Those that pip-audit spoke of; a release that is not here was not looked at."""
    sandbox: str


def audit(
    releases: Sequence[Release],
    source: OsvSource,
    tool: Tool,
    *,
    limits: Limits,
    processes: int,
    now: datetime,
) -> Audit:
    """Has pip-audit look up releases, in as few processes as are worth their start.

    Raises:
        AuditFailed: a process failed, missed its canary, or the advisories could not be had.
    """
    try:
        canary = source.known_vulnerable()
    except AdvisoryError as error:
        raise AuditFailed(str(error)) from error
    count = max(1, min(processes, len(releases) // _PER_PROCESS))
    chunks = [list(releases[index::count]) for index in range(count)]
    with (
        OsvService(source, most_queries=2 * (len(releases) + count)) as service,
        ThreadPoolExecutor(count) as pool,
    ):

        def one(chunk: list[Release]) -> Finished:
            return _run(tool, [*dict.fromkeys([*chunk, canary])], service.url, limits)

        try:
            finished = list(pool.map(one, chunks))
        except ToolError as error:
            raise AuditFailed(f"pip-audit gave no answer: {error}") from error
        if service.error is not None:
            raise AuditFailed(str(service.error))
        answers: dict[Release, Answer] = {}
        for chunk, result in zip(chunks, finished, strict=True):
            reported = parse(result, service.answers, now)
            if not reported.get(canary, Answer((), now)).vulnerabilities:
                raise AuditFailed(
                    f"pip-audit {MISSED_CANARY}: {canary[0]} {canary[1]} has advisories, and it "
                    "reported none; run `compline tools check pip-audit`"
                )
            for release in chunk:
                # What is skipped is reported by its name alone.
                answer = reported.get(release) or reported.get((release[0], ""))
                if answer is not None:
                    answers[release] = answer
    return Audit(answers, finished[0].sandbox)


def _run(tool: Tool, releases: Sequence[Release], url: str, limits: Limits) -> Finished:
    with tempfile.TemporaryDirectory(prefix="compline-pip-audit-") as temporary:
        directory = Path(temporary).resolve()
        (directory / "project").mkdir()
        (directory / "cache").mkdir()
        (directory / "project" / "pylock.toml").write_text(lock_of(releases))
        return run(
            [
                tool.executable,
                "--locked",
                *("--vulnerability-service", "osv", "--osv-url", url),
                *("--format", "json", "--aliases", "on", "--desc", "off"),
                *("--progress-spinner", "off", "--cache-dir", directory / "cache"),
                directory / "project",
            ],
            limits=ProcessLimits(
                seconds=limits.tool_seconds,
                memory_mb=limits.tool_memory_mb,
                output_mb=limits.tool_output_mb,
            ),
            readable=[tool.home],
            writable=[directory],
            cwd=directory / "project",
            # It asks our service on loopback, and must not be sent there through a proxy.
            env={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            network=True,
        )


def lock_of(releases: Sequence[Release]) -> str:
    """A pylock.toml; names and versions are normal forms, in which nothing needs quoting."""
    entries = (
        f'[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in releases
    )
    return 'lock-version = "1.0"\ncreated-by = "compline"\n' + "".join(entries)


def parse(
    finished: Finished, records: Mapping[Release, Sequence[Record]], now: datetime
) -> dict[Release, Answer]:
    """Reads pip-audit's JSON.

    Args:
        finished: the process.
        records: the OSV records behind its answers, for what it does not report.
        now: when it was asked.

    Returns:
        Answers by release; what was skipped, under its name and an empty version.

    Raises:
        AuditFailed: it failed, or the report is not one.
    """
    # 1 means that there are vulnerabilities, and just as well that it broke.
    if finished.returncode not in (0, 1):
        raise AuditFailed(f"pip-audit ended with code {finished.returncode}")
    try:
        report = json.loads(finished.stdout)
    except (ValueError, RecursionError) as error:
        raise AuditFailed("pip-audit ended without a report that can be read") from error
    return read_answers(report, records, now)


def read_answers(
    report: Any, records: Mapping[Release, Sequence[Record]], now: datetime
) -> dict[Release, Answer]:
    """As `parse`, of the report itself.

    Raises:
        AuditFailed: it is none.
    """
    try:
        answers: dict[Release, Answer] = {}
        for each in report["dependencies"]:
            name = canonicalize_name(each["name"])
            if "skip_reason" in each:
                answers[name, ""] = Answer((), now, str(each["skip_reason"]))
                continue
            release = (name, str(Version(each["version"])))
            found = [_vulnerability(vuln, records.get(release, ())) for vuln in each["vulns"]]
            answers[release] = Answer(_merged(found), now)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AuditFailed("pip-audit ended without a report that can be read") from error
    return answers


def preferred(ids: Sequence[str]) -> str:
    """The id to go by: a CVE, else a GHSA, else a PYSEC, else whatever; the least of a sort."""
    order = ("CVE-", "GHSA-", "PYSEC-")
    return min(ids, key=lambda each: (*(not each.startswith(prefix) for prefix in order), each))


def _vulnerability(vuln: Mapping[str, Any], records: Sequence[Record]) -> Vulnerability:
    ids = {vuln["id"], *vuln["aliases"]}
    behind = [record for record in records if ids & {record["id"], *(record.get("aliases") or ())}]
    severity, vector = max(
        (of_record(record) for record in behind),
        key=lambda pair: (pair[1] != "", pair[0].rank),
        default=(Severity.UNKNOWN, ""),
    )
    cwe = {
        each
        for record in behind
        for each in (record.get("database_specific") or {}).get("cwe_ids") or ()
        if isinstance(each, str)
    }
    return Vulnerability(
        preferred(sorted(ids)),
        tuple(sorted(ids)),
        tuple(vuln["fix_versions"]),
        severity,
        vector,
        tuple(sorted(cwe)),
    )


def _merged(found: Sequence[Vulnerability]) -> tuple[Vulnerability, ...]:
    """One for each id that it goes by: two records of one CVE are one advisory."""
    by_rule: dict[str, Vulnerability] = {}
    for each in found:
        known = by_rule.get(each.rule)
        if known is not None:
            worse = max(known, each, key=lambda one: (one.vector != "", one.severity.rank))
            each = Vulnerability(
                each.rule,
                tuple(sorted({*known.ids, *each.ids})),
                tuple(sorted({*known.fixed, *each.fixed}, key=Version)),
                worse.severity,
                worse.vector,
                tuple(sorted({*known.cwe, *each.cwe})),
            )
        by_rule[each.rule] = each
    return tuple(by_rule[rule] for rule in sorted(by_rule))
