"""The shape of compline.yaml: one model per section, every field with its default and meaning."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from compline.config.alerts import Alerts
from compline.config.cron import check_cron, check_timezone
from compline.config.fields import IsoDate, LocalPath, Misplaced, Name, Section
from compline.config.gate import Gate
from compline.config.graph import FREE_ASSETS, DeclaredLink
from compline.config.memory import Deadlines, Lifecycle, Risk, WaiverSettings
from compline.config.scanners import Scanners
from compline.config.secrets import SecretReference
from compline.config.targets import Targets
from compline.config.upkeep import EvidenceSettings, Health, Retention
from compline.model import Severity

ScheduleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
RESERVED_SCHEDULES = ("adhoc", "upkeep", "gate", "model_gate")
"""compliance_<name> of these are DAGs of their own, or runs of another kind."""


class Schedule(Section):
    """One DAG: when, and over what."""

    cron: Annotated[str, AfterValidator(check_cron)] = "0 2 * * *"
    timezone: Annotated[str, AfterValidator(check_timezone)] = "UTC"
    targets: list[Name] = Field(default_factory=list, description="empty: all")


class Limits(Section):
    """Bounds on hostile or merely huge input, per tool process and per repository."""

    tool_seconds: int = Field(900, ge=1, description="time of one tool process")
    tool_memory_mb: int = Field(4096, ge=64)
    tool_output_mb: int = Field(256, ge=1)
    repository_mb: int = Field(2048, ge=1, description="sum of a tree's blobs")
    file_kb: int = Field(1024, ge=1, description="a larger file is a gap")
    files: int = Field(200_000, ge=1)
    path_length: int = Field(1024, ge=16)
    path_depth: int = Field(64, ge=2)
    git_seconds: int = Field(600, ge=1)


class Ignore(Section):
    """What is left out on purpose; every file left out is counted in the ledger."""

    vendored: list[str] = Field(
        default_factory=lambda: [
            "**/node_modules/**",
            "**/vendor/**",
            "**/third_party/**",
            "**/site-packages/**",
        ]
    )
    generated: list[str] = Field(
        default_factory=lambda: ["**/*.min.js", "**/*_pb2.py", "**/*_pb2_grpc.py"]
    )
    honour_inline: bool = Field(False, description="let `# nosec` and the like close findings")


class Advisories(Section):
    """Where vulnerability data comes from."""

    osv: Literal["online", "bundled"] | LocalPath = Field(
        "online",
        description="online, bundled (the data that ships, of 2024-10-10), or OSV records: a "
        "directory, zip, jsonl or jsonl.gz",
    )
    osv_date: IsoDate = Field("", description="declared ISO date of an offline source")
    trivy_db: (
        Literal["online", "bundled"] | Annotated[str, Field(pattern="^oci://")] | LocalPath
    ) = Field(
        "online",
        description="online, a directory (trivy's cache or a db/ folder, .gz allowed), or oci://mirror",
    )
    max_age_days: int = Field(7, ge=1)
    recheck_hours: int = Field(12, ge=1, description="how long an online answer counts")


class AdHoc(Section):
    """What may be scanned by hand besides the configured targets."""

    allow: list[str] = Field(
        default_factory=list, description="URL or image patterns, e.g. https://git.example.org/*"
    )
    private_hosts: list[str] = Field(
        default_factory=list, description="private addresses or host names that are allowed"
    )


class Secrets(Section):
    """What secrets that are found are hashed with: 64 hexadecimal digits, by reference."""

    key: SecretReference | None = Field(
        None, description="default: secret.key in the workspace; several workers need one key"
    )
    former: list[SecretReference] = Field(
        default_factory=list,
        description="keys used before, until every target was looked at under the new one",
    )


class Execution(Section):
    """How a night is cut into pieces."""

    shard_targets: int = Field(100, ge=1, description="most targets in one mapped task")
    shard_seconds: int = Field(6 * 3600, ge=60, description="time limit of one mapped task")
    pool: str = Field(
        "default_pool", min_length=1, description="Airflow pool of the scan tasks; must exist"
    )
    processes: int = Field(0, ge=0, description="tool processes at once; 0: one per core")
    fail_at: Severity = Field(Severity.HIGH, description="what makes `compline scan` exit with 1")


class Config(Section):
    """All of compline.yaml."""

    organisation: str = Field(min_length=1)
    workspace: LocalPath = Field(
        Path(".compline"), validate_default=True, description="everything that Compline creates"
    )
    store: SecretReference | None = Field(
        None, description="database URL by reference; default: SQLite in the workspace"
    )
    targets: Targets = Targets()
    links: list[DeclaredLink] = Field(
        default_factory=list, description="what depends on what, besides what is discovered"
    )
    schedules: dict[ScheduleName, Schedule] = Field(default_factory=lambda: {"nightly": Schedule()})
    scanners: Scanners = Scanners()
    limits: Limits = Limits()
    ignore: Ignore = Ignore()
    advisories: Advisories = Advisories()
    alerts: Alerts = Alerts()
    lifecycle: Lifecycle = Lifecycle()
    deadlines: Deadlines = Deadlines()
    risk: Risk = Risk()
    waivers: WaiverSettings = WaiverSettings()
    gate: Gate = Gate()
    evidence: EvidenceSettings = EvidenceSettings()
    retention: Retention = Retention()
    health: Health = Health()
    secrets: Secrets = Secrets()
    adhoc: AdHoc = AdHoc()
    execution: Execution = Execution()

    @model_validator(mode="after")
    def _schedules_fit(self) -> Config:
        names = self.targets.names()
        for schedule, entry in self.schedules.items():
            if schedule in RESERVED_SCHEDULES:
                raise Misplaced(
                    f"the DAG compliance_{schedule} is another one: name the schedule otherwise",
                    at=("schedules", schedule),
                )
            for number, name in enumerate(entry.targets):
                if name not in names:
                    hint = _nearest(name, names) or "list it under `targets`"
                    raise Misplaced(
                        f"no target is named {name!r}; {hint}",
                        at=("schedules", schedule, "targets", number),
                    )
        return self

    @model_validator(mode="after")
    def _links_fit(self) -> Config:
        """A link to a target that is not listed, or of another kind, would reach nothing."""
        listed = {
            f"{entry.target_kind.value}/{entry.name}"
            for entries in self.targets.groups().values()
            for entry in entries
        }
        for number, link in enumerate(self.links):
            for key, asset in (("from", link.source), ("to", link.destination)):
                if asset.partition("/")[0] not in FREE_ASSETS and asset not in listed:
                    hint = _nearest(asset, sorted(listed)) or "list it under `targets`"
                    raise Misplaced(f"no target is {asset!r}; {hint}", at=("links", number, key))
        return self

    @model_validator(mode="after")
    def _pipelines_fit(self) -> Config:
        """A pipeline whose repository or Airflow is not listed could not be looked at."""
        repositories = [entry.name for entry in self.targets.repositories]
        deployments = [entry.name for entry in self.targets.airflow]
        for number, pipeline in enumerate(self.targets.pipelines):
            for key, name, known in (
                ("repository", pipeline.repository, repositories),
                ("airflow", pipeline.airflow, deployments),
            ):
                if name is not None and name not in known:
                    group = "repositories" if key == "repository" else "airflow"
                    hint = _nearest(name, known) or f"list it under `targets.{group}`"
                    at = ("targets", "pipelines", number, key)
                    raise Misplaced(f"no {key} is named {name!r}; {hint}", at=at)
        return self

    @model_validator(mode="after")
    def _rules_fit(self) -> Config:
        """A rule about a scanner that does not exist would be silent for ever."""
        known = Scanners.names()
        for rule_number, rule in enumerate(self.alerts.rules):
            for number, name in enumerate(rule.when.scanners):
                # `import:bandit` and `sarif:TOOL` are scanners of imported reports.
                if ":" not in name and name not in known:
                    hint = _nearest(name, known) or f"there are {', '.join(known)}"
                    raise Misplaced(
                        f"no scanner is named {name!r}; {hint}",
                        at=("alerts", "rules", rule_number, "when", "scanners", number),
                    )
        return self


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""
