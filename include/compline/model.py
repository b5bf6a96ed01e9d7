"""The value types that every other module speaks in: frozen, comparable, standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from compline.kinds import Confidence as Confidence
from compline.kinds import FindingKind as FindingKind
from compline.kinds import GapReason as GapReason
from compline.kinds import RegressionKind as RegressionKind
from compline.kinds import RunResult as RunResult
from compline.kinds import Severity as Severity
from compline.kinds import State as State
from compline.kinds import TargetKind as TargetKind
from compline.links import Link as Link


def canonical_json(value: object) -> bytes:
    """One byte string per value, whatever the order of its keys: what digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(value: object) -> str:
    """SHA-256 in hexadecimal of the value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is checked."""

    kind: TargetKind
    name: str
    """Stable and unique in the organisation; a finding belongs to it."""
    locator: str
    """Where it is: a URL, an archive's path, an image reference. Never holds a credential."""
    ref: str = ""
    """The tracked branch of a repository; empty means the remote's HEAD."""
    labels: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The target's own part of the configuration as plain JSON values: policy, credential
    reference (never the credential), declared encryption, ..."""

    def __post_init__(self) -> None:
        if not self.name or any(c.isspace() or ord(c) < 32 for c in self.name):
            raise ValueError(f"a target's name must be one printable word, not {self.name!r}")
        object.__setattr__(self, "labels", dict(self.labels))
        object.__setattr__(self, "settings", dict(self.settings))

    @property
    def asset(self) -> str:
        """Its name in the asset graph; see `Link`."""
        return f"{self.kind.value}/{self.name}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an observation was made."""

    path: str = ""
    """Path in the repository or image with `/`; for services the resource."""
    line: int | None = None
    """First line, from 1; None where the finding is about the whole file or resource."""
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None
    cell: int | None = None
    """The notebook's cell, from 1; line and end_line then count within the cell's source."""
    symbol: str = ""
    """The enclosing definition, dotted (`Service.load`), empty at the top of the file."""
    blob: str = ""
    """Git object id of the content in which the span was seen; empty outside repositories."""
    scope: str = ""
    """Hash of what the enclosing definition holds, without its name: tells a renamed one from
    others. Evidence for matching, like a fingerprint."""


@dataclass(frozen=True, slots=True)
class Package:
    """A dependency, as the field names it."""

    ecosystem: str
    """Package URL type: pypi, npm, deb, apk, golang, cargo, ..."""
    name: str
    """Normalised as the ecosystem does it (PEP 503 for pypi)."""
    version: str
    fixed_version: str = ""
    """The least version without the defect, empty where none is known."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One raw statement of a scanner about a place."""

    scanner: str
    rule: str
    """The scanner's rule or advisory id, without any directory prefix."""
    kind: FindingKind
    severity: Severity
    confidence: Confidence
    title: str
    """One line, without anything secret and without code."""
    place: Place
    subject: str = ""
    """What the finding is about where that is not a span: `pypi:jinja2`, a resource
    (`role/etl`), the keyed hash of a secret, `file:licence`. Empty for code."""
    fingerprints: tuple[tuple[str, str], ...] = ()
    """(version, value) pairs, newest version first; evidence for matching, not an identity."""
    package: Package | None = None
    aliases: tuple[str, ...] = ()
    """Every known id of the advisory, `rule` among them (CVE, GHSA, PYSEC), sorted."""
    cwe: tuple[str, ...] = ()
    """`CWE-78`, sorted."""
    suppression: str = ""
    """The inline comment that asks to be ignored (`nosec`, `nosemgrep`), empty if none."""
    details: tuple[tuple[str, str], ...] = ()
    """(key, value) pairs for people: remediation, reference, affected range, row of evidence."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the target that a completed scan did not cover."""

    reason: GapReason
    path: str = ""
    """A file; a directory with a trailing `/`; empty for the whole target's aspect."""
    detail: str = ""
    count: int = 1
    """How many files or entries it stands for."""
    subjects: tuple[str, ...] = ()
    """Where only some subjects of the place were not covered (`pypi:jinja2`, unpinned in a
    manifest): those; empty means all."""

    def covers(self, path: str, subject: str = "") -> bool:
        """Whether the place lies inside the gap, so that nothing there may be resolved.

        Args:
            path: the observation's path.
            subject: its subject; what has none is outside a gap that names subjects.
        """
        if self.subjects and subject not in self.subjects:
            return False
        if self.path.endswith("/"):
            # A file that has become a directory which nobody looked into is there as well.
            return f"{path}/".startswith(self.path)
        return not self.path or path == self.path


@dataclass(frozen=True, slots=True)
class Served:
    """A model version that production serves, as the gate's decisions name it."""

    model: str
    version: str
    digest: str = ""
    """The model's digest as of this look (`findings.gate`); empty where a file was not read."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Whether what a fact says now was approved before it came to be."""

    holds: bool
    words: str
    """By which decision, or why by none."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is no defect by itself, but whose change is told: a grant, a model's content."""

    tells: RegressionKind
    """`PERMISSION_WIDENED`: a rank that rises is told, and one where there was none before;
    `MODEL_CHANGED`: another value is told, and nothing where there was none before."""
    subject: str
    """What it is about, stable (`user/ann model/fraud`); inside a gap that covers it, it stays
    as it was known. A finding with the same subject that opens with it is told as this."""
    value: str
    """As it is now, for people (`EDIT`, a digest, a version)."""
    rank: int = 0
    """How much it lets somebody do; 0 is nothing."""
    title: str = ""
    """What it is about in words (`ann on fraud`), where the subject is not for people."""
    since: datetime | None = field(default=None, compare=False)
    """When what it is about came to be: a permission on something that is younger than the last
    completed look came with it, and is not told."""
    served: Served | None = field(default=None, compare=False)
    """What it says of production; another value that was approved is not told."""
    approval: Approval | None = field(default=None, compare=False)
    """Of its value, where that is another one than was recorded; not the scanner's to say."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The scanner looked; what it did not cover is in the gaps."""

    observations: tuple[Observation, ...]
    gaps: tuple[Gap, ...] = ()
    facts: tuple[Fact, ...] = ()
    """Of live checks: what is compared with the last completed look."""
    links: tuple[Link, ...] = ()
    """What the scanner has seen to depend on what."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing for this scanner in this target."""

    reason: str


MISSED_CANARY = "missed its canary"
"""What the error of a scanner says that did not report a planted defect."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The scanner could not look, or what it said cannot be trusted."""

    error: str
    """One or two sentences with what to do; without secrets."""

    @property
    def canary_missed(self) -> bool:
        """Whether that is because a planted defect was not reported."""
        return MISSED_CANARY in self.error


Outcome = Completed | Skipped | Failed


@dataclass(frozen=True, slots=True)
class ScanKey:
    """Everything that a result depends on besides the input."""

    tool: str
    """Digest of the tool's environment, interpreter included."""
    adapter: str
    """Version of our adapter; raised whenever it would read the same report otherwise."""
    rules: str = ""
    """Digest of the rules or expectations."""
    options: str = ""
    """Digest of options, limits and ignore policy."""
    advisories: str = ""
    """Digest of the advisory data; empty where the scanner uses none."""

    @property
    def digest(self) -> str:
        """The key as one SHA-256."""
        return digest_of(asdict(self))


@dataclass(frozen=True, slots=True)
class FilesRead:
    """How many of a look's files were read in full in its run. What is said of the others stands
    on an earlier reading, since when the storage's own validator has not moved."""

    read: int
    files: int
    """All that the look speaks of."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one scanner did with one target in one run: a ledger row with its outcome."""

    target: str
    scanner: str
    outcome: Outcome
    revision: str = ""
    """Commit, image digest, or for services the time of asking."""
    scan_key: ScanKey | None = None
    """None where it could not even be computed (a missing tool)."""
    tool_version: str = ""
    advisory_date: str = ""
    """ISO date of the advisory data used."""
    warnings: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """SHA-256 digests of the reports in the locker."""
    sandbox: str = ""
    """How tools were confined: `bubblewrap`, `limits` or, for checks in process, empty."""
    seconds: float = 0.0
    changed: float = 1.0
    """Share of the input (0 to 1) that differs from the last completed look."""
    fresh: bool = True
    """False where any part came from the results cache."""
    files: FilesRead | None = None
    """Of looks at model files."""
    memory: bytes | None = field(default=None, repr=False, compare=False)
    """What the scanner wants to have at its next look at the target; kept with the record of a
    completed look that counts, and nowhere else. None leaves what is kept as it is."""
