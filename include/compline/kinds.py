"""The vocabulary's enumerations; `compline.model` is where others import them from."""

from __future__ import annotations

from enum import StrEnum


class TargetKind(StrEnum):
    """What sort of thing is checked."""

    REPOSITORY = "repository"
    IMAGE = "image"
    DATA_STORE = "data_store"
    MODEL_REGISTRY = "model_registry"
    MODEL = "model"
    """Model files in a folder or bucket."""
    ENDPOINT = "endpoint"
    """A URL at which models answer."""
    AIRFLOW = "airflow"
    """A deployment of Airflow."""
    PIPELINE = "pipeline"
    """A declared data flow over data stores, with the DAG that moves the data."""
    LOG = "log"
    """Log files that services write."""


class FindingKind(StrEnum):
    """What sort of defect it is; it decides which evidence carries a finding's identity."""

    CODE = "code"
    """A span of source text; identity from rule, code and enclosing symbol."""
    MISCONFIGURATION = "misconfiguration"
    """A setting in a file (Dockerfile, Terraform, ...); identity as for code."""
    DEPENDENCY = "dependency"
    """An advisory that affects a package; identity from package and advisory group."""
    SECRET = "secret"  # noqa: S105 - the name of a kind, not a secret
    """A credential in a file; identity from a keyed hash of it."""
    LICENSE = "license"
    """A licence that the policy does not accept; identity from package or file and licence."""
    ACCESS = "access"
    """A setting, role or grant of a live service; identity from resource and rule."""
    MODEL = "model"
    """What a model's file does when it is loaded, or what is missing that vouches for a model;
    identity from model, version, file and rule."""


class Severity(StrEnum):
    """Ordered by `rank`; unknown ranks with high, so that it is never waved through."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    UNKNOWN = "unknown"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (info) to 4 (critical)."""
        return _SEVERITY_RANK[self]

    def reaches(self, threshold: Severity) -> bool:
        """Whether this severity is at or above the threshold."""
        return self.rank >= threshold.rank


_SEVERITY_RANK = {
    Severity.INFO: 0,
    Severity.LOW: 1,
    Severity.MEDIUM: 2,
    Severity.UNKNOWN: 3,
    Severity.HIGH: 3,
    Severity.CRITICAL: 4,
}


class Confidence(StrEnum):
    """How sure the scanner is that the observation is a defect; ordered by `rank`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 (low) to 2 (high)."""
        return _CONFIDENCE_RANK[self]


_CONFIDENCE_RANK = {one: rank for rank, one in enumerate(Confidence)}


class State(StrEnum):
    """A finding's state; waived, stale and held are conditions beside it."""

    OPEN = "open"
    RESOLVED = "resolved"


class RunResult(StrEnum):
    """What a run says as a whole; anything not looked at makes it incomplete."""

    CLEAN = "clean"
    FINDINGS = "findings"
    INCOMPLETE = "incomplete"


class GapReason(StrEnum):
    """Why a part of a target was not covered."""

    UNPARSED = "unparsed"
    """The tool could not parse the file, wholly or in part."""
    NOT_REPORTED = "not-reported"
    """It was given to the tool, and the tool does not say that it looked."""
    CRASHED = "crashed"
    """The tool crashed, hung or ran out of memory on this file alone."""
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    BAD_NAME = "bad-name"
    """Not UTF-8, control characters, too long or too deep."""
    SYMLINK = "symlink"
    SUBMODULE = "submodule"
    LFS = "lfs"
    MISSING_OBJECT = "missing-object"
    VENDORED = "vendored"
    GENERATED = "generated"
    UNPINNED = "unpinned"
    """A requirement without an exact version: nothing can be said of it."""
    UNRESOLVED = "unresolved"
    """A pinned requirement that the advisory source does not know or that is not a release."""
    UNSUPPORTED = "unsupported"
    FORBIDDEN = "forbidden"
    """The service refused to tell."""
    PARTIAL = "partial"
    """An imported report that was not said to be a whole look: it closes nothing."""
    TRUNCATED = "truncated"
    """The answer or report ended before its end."""


class RegressionKind(StrEnum):
    """What sort of worsening."""

    BASELINE = "baseline"
    """Not worse than before: what the first completed look at a target has found, in one."""
    NEW = "new"
    REOPENED = "reopened"
    SEVERITY_RAISED = "severity-raised"
    DEADLINE_MISSED = "deadline-missed"
    COVERAGE_LOST = "coverage-lost"
    TARGET_VANISHED = "target-vanished"
    TARGET_STALE = "target-stale"
    """Nobody has been able to look for longer than `lifecycle.stale_days`."""
    WAIVER_EXPIRED = "waiver-expired"
    WAIVER_VOIDED = "waiver-voided"
    """The finding is not any more what was accepted."""
    DROP_HELD = "drop-held"
    CANARY_MISSED = "canary-missed"
    ADVISORIES_STALE = "advisories-stale"
    SILENCE = "silence"
    """A schedule did not start, or did not finish, in time."""
    HEALTH = "health"
    """Compline itself: the outbox is stuck, deliveries were given up, the disk cannot be used."""
    PERMISSION_WIDENED = "permission-widened"
    """Somebody may do more than before in a model registry."""
    MODEL_CHANGED = "model-changed"
    """A model's content under the same version, the version that production serves, or what
    vouched for it is not what it was."""
    REPORTED = "reported"
    """Another DAG told it, by our notifier."""
