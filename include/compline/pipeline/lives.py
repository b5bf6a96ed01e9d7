"""What the configuration says about the lives of findings, with the files that it names read."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from compline.config.memory import Deadlines, Risk, WaiverSettings
from compline.config.schema import Config
from compline.findings.deadlines import DeadlinePolicy
from compline.findings.drops import HoldLimits
from compline.findings.policy import Policy
from compline.findings.renames import RuleRenames
from compline.findings.risk import RiskPolicy
from compline.findings.waivers import WaiverPolicy
from compline.model import digest_of
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.store.findings import AsOf
from compline.store.links import refresh_reach
from compline.store.targets import list_targets
from compline.store.urgency import last_urgency, refresh_urgency

_GZIP = b"\x1f\x8b"


def policy_of(config: Config, renames: RuleRenames | None = None) -> Policy:
    """The policy of a record.

    Raises:
        BadRequest: a file with known exploits cannot be read.
    """
    hold = config.lifecycle.hold
    policy = Policy(
        hold=HoldLimits(hold.share, hold.at_least, hold.changed_below),
        honour_inline=config.ignore.honour_inline,
        waivers=waiver_policy(config.waivers),
        deadlines=deadline_policy(config.deadlines),
        risk=risk_policy(config.risk),
    )
    return policy if renames is None else replace(policy, renames=renames)


def waiver_policy(settings: WaiverSettings) -> WaiverPolicy:
    """Who may accept a risk, and for how long."""
    return WaiverPolicy(dict(settings.longest_days), frozenset(settings.second_person))


def deadline_policy(settings: Deadlines) -> DeadlinePolicy:
    """When findings must be resolved."""
    rules = tuple((dict(rule.labels), dict(rule.days)) for rule in settings.rules)
    return DeadlinePolicy(dict(settings.days), rules)


def risk_policy(settings: Risk) -> RiskPolicy:
    """What comes first.

    Raises:
        BadRequest: a file cannot be read.
    """
    exploits = _exploits(_stamp(settings.kev), _stamp(settings.epss))
    return RiskPolicy(
        exploits.known, exploits.likely, settings.exposure_label, dict(settings.exposure)
    )


def as_of(session: Session) -> AsOf:
    """Now, for the conditions of findings that depend on it."""
    now = session.now()
    return AsOf(now, now - timedelta(days=session.config.lifecycle.stale_days))


def keep_urgency(session: Session, run: int) -> None:
    """Works out all risks and deadlines anew if what they depend on is not what it was.

    Raises:
        BadRequest: a file with known exploits cannot be read.
    """
    config = session.config
    refresh_reach(session.store, config.risk.exposure_label)
    known = list_targets(session.store)
    labels = {row.name: [dict(row.labels), list(row.reaches)] for row in known}
    exploits = _exploits(_stamp(config.risk.kev), _stamp(config.risk.epss))
    digest = digest_of(
        {
            "deadlines": config.deadlines.model_dump(mode="json"),
            "exposure": [config.risk.exposure_label, config.risk.exposure],
            "exploits": exploits.digest,
            "labels": labels,
        }
    )
    if digest != last_urgency(session.store):
        refresh_urgency(
            session.store,
            run,
            digest,
            deadline_policy(config.deadlines),
            risk_policy(config.risk),
            session.now(),
        )


@dataclass(frozen=True)
class _Exploits:
    """What the two files say."""

    known: frozenset[str]
    likely: Mapping[str, float]
    digest: str


Stamp = tuple[Path, int, int]


def _stamp(path: Path | None) -> Stamp | None:
    """A file with its time and size: read again only when it is another one."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}") from error
    return path, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4)
def _exploits(kev: Stamp | None, epss: Stamp | None) -> _Exploits:
    digest = hashlib.sha256()
    known: frozenset[str] = frozenset()
    likely: dict[str, float] = {}
    if kev is not None:
        content = _read(kev[0])
        digest.update(content)
        known = frozenset(_kev(kev[0], content))
    if epss is not None:
        content = _read(epss[0])
        digest.update(b"\0" + content)
        likely = dict(_epss(epss[0], content))
    return _Exploits(known, likely, digest.hexdigest())


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError) as error:
        raise BadRequest(f"{path} cannot be read: {error}") from error


def _kev(path: Path, content: bytes) -> Iterator[str]:
    """CISA's catalogue: `{"vulnerabilities": [{"cveID": "CVE-…"}, …]}`."""
    try:
        entries = json.loads(content)["vulnerabilities"]
        known = [str(entry["cveID"]) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            f"{path} is not CISA's catalogue of known exploited vulnerabilities in JSON"
        ) from error
    if not known:
        raise BadRequest(f"{path} names no vulnerability: download the catalogue again")
    yield from known


def _epss(path: Path, content: bytes) -> Iterator[tuple[str, float]]:
    """FIRST's scores: a comment line, then `cve,epss,percentile` and one line each."""
    wrong = BadRequest(f"{path} is not FIRST's EPSS scores (csv or csv.gz with cve and epss)")
    try:
        lines = (line for line in io.StringIO(content.decode()) if not line.startswith("#"))
        rows = csv.DictReader(lines)
        if not {"cve", "epss"} <= set(rows.fieldnames or ()):
            raise wrong
        found = False
        for row in rows:
            found = True
            yield row["cve"], float(row["epss"])
        if not found:
            raise wrong
    except (ValueError, csv.Error) as error:
        raise wrong from error
