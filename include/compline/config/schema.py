"""The shape of compline.yaml: one model per section, every field with its default and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from compline.config.secrets import SecretReference
from compline.model import Severity

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")]
Labels = dict[str, str]


def _no_credentials(url: str) -> str:
    """A locator must not carry user:password@ (an ssh user alone is fine)."""
    authority = url.split("://", 1)[1].split("/", 1)[0] if "://" in url else ""
    userinfo = authority.rpartition("@")[0]
    if ":" in userinfo or (userinfo and not url.startswith("ssh://")):
        raise ValueError("a credential in a URL is refused: use `credential: env:NAME`")
    return url


def _from_the_file(path: Path, info: ValidationInfo) -> Path:
    """Relative paths are meant from the folder of compline.yaml (validation context `base`)."""
    base = (info.context or {}).get("base")
    return Path(base) / path if base is not None else path


Url = Annotated[str, AfterValidator(_no_credentials)]
LocalPath = Annotated[Path, AfterValidator(_from_the_file)]
Pack = Literal["ai", "python"]
TrivyKind = Literal["vuln", "misconfig", "secret", "license"]


class Section(BaseModel):
    """Common to all: unknown keys are mistakes, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listed(Section):
    """What every listed target has."""

    name: Name
    labels: Labels = Field(default_factory=dict, description="owner, team, tier, environment, ...")


class Repository(Listed):
    """A git repository and the branch whose findings have a life."""

    url: Url
    branch: str = Field("", description="tracked branch; empty: the remote's HEAD")
    credential: SecretReference | None = Field(
        None, description="token (https) or private key (ssh)"
    )
    history: Literal["shallow", "full"] = "shallow"


class Image(Listed):
    """A container image: an archive on disk or a reference in a registry."""

    archive: LocalPath | None = Field(None, description="docker-archive (.tar) or OCI archive")
    reference: str | None = Field(None, description="registry/name:tag, pulled without a daemon")
    credential: SecretReference | None = Field(None, description="user:password for the registry")

    @model_validator(mode="after")
    def _one_place(self) -> Image:
        if (self.archive is None) == (self.reference is None):
            raise ValueError("give either `archive` or `reference`")
        return self


class DataStore(Listed):
    """A store whose encryption and access are checked by expectations."""

    kind: Literal["postgresql", "inventory"]
    url: SecretReference | None = Field(None, description="connection URL (postgresql)")
    path: LocalPath | None = Field(None, description="CSV, JSON or Parquet (inventory)")
    columns: dict[str, Literal["string", "integer", "number", "boolean", "datetime"]] = Field(
        default_factory=dict, description="declared schema of the inventory file"
    )
    suite: LocalPath | None = Field(None, description="own expectations; default: the kind's suite")
    policy: dict[str, Any] = Field(
        default_factory=dict, description="what is allowed: superusers, roles, grants, encryption"
    )

    @model_validator(mode="after")
    def _located(self) -> DataStore:
        wanted = {"postgresql": self.url, "inventory": self.path}[self.kind]
        if wanted is None:
            raise ValueError("a postgresql store needs `url: env:NAME`, an inventory needs `path:`")
        return self


class ModelRegistry(Listed):
    """A registry whose permissions are held against a declared policy."""

    kind: Literal["mlflow"]
    url: Url
    credential: SecretReference | None = Field(
        None, description="user:password of an administrator"
    )
    policy: dict[str, Any] = Field(
        default_factory=dict, description="admins, default_permission, grants per user and model"
    )


class Targets(Section):
    """Everything that the organisation owns and lists."""

    repositories: list[Repository] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    data_stores: list[DataStore] = Field(default_factory=list)
    model_registries: list[ModelRegistry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _unique(self) -> Targets:
        seen: set[str] = set()
        groups: tuple[Sequence[Listed], ...] = (
            self.repositories,
            self.images,
            self.data_stores,
            self.model_registries,
        )
        for entry in chain.from_iterable(groups):
            if entry.name in seen:
                raise ValueError(f"two targets are named {entry.name!r}: findings need one owner")
            seen.add(entry.name)
        return self


class Schedule(Section):
    """One DAG: when, and over what."""

    cron: str = "0 2 * * *"
    timezone: str = "UTC"
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


class BanditSettings(Section):
    """bandit over Python blobs."""

    enabled: bool = True


class SemgrepSettings(Section):
    """semgrep with our packs and the organisation's own rule directories."""

    enabled: bool = True
    packs: tuple[Pack, ...] = ("ai", "python")
    rules: list[LocalPath] = Field(
        default_factory=list, description="further rule files or directories"
    )


class PipAuditSettings(Section):
    """pip-audit over what requirement and lock files pin."""

    enabled: bool = True


class TrivySettings(Section):
    """trivy over trees and images."""

    enabled: bool = True
    scanners: tuple[TrivyKind, ...] = ("vuln", "misconfig", "secret", "license")
    forbidden_licences: list[str] = Field(
        default_factory=lambda: ["AGPL-1.0", "AGPL-3.0", "SSPL-1.0"],
        description="SPDX ids (families: AGPL-3.0 covers -only and -or-later) that are findings",
    )
    image_max_age_days: int = Field(180, ge=1)


class ServiceSettings(Section):
    """Checks of live services."""

    enabled: bool = True
    seconds: int = Field(60, ge=1, description="time of one check")


class Scanners(Section):
    """One section per scanner, named as on the command line."""

    bandit: BanditSettings = BanditSettings()
    semgrep: SemgrepSettings = SemgrepSettings()
    pip_audit: PipAuditSettings = Field(PipAuditSettings(), alias="pip-audit")
    trivy: TrivySettings = TrivySettings()
    trivy_image: TrivySettings = Field(TrivySettings(), alias="trivy-image")
    data_expectations: ServiceSettings = Field(ServiceSettings(), alias="data-expectations")
    registry_permissions: ServiceSettings = Field(ServiceSettings(), alias="registry-permissions")

    def of(self, scanner: str) -> Any:
        """The section of a scanner by its name on the command line."""
        return getattr(self, scanner.replace("-", "_"))


class Advisories(Section):
    """Where vulnerability data comes from."""

    osv: Literal["online", "bundled"] | LocalPath = Field(
        "online",
        description="online, bundled (the data that ships, of 2024-10-10), or OSV records: a "
        "directory, zip, jsonl or jsonl.gz",
    )
    osv_date: str = Field("", description="declared ISO date of an offline source")
    trivy_db: (
        Literal["online", "bundled"] | Annotated[str, Field(pattern="^oci://")] | LocalPath
    ) = Field(
        "online",
        description="online, a directory (trivy's cache or a db/ folder, .gz allowed), or oci://mirror",
    )
    max_age_days: int = Field(7, ge=1)
    recheck_hours: int = Field(12, ge=1, description="how long an online answer counts")


class Channel(Section):
    """Where alerts go: an Apprise URL, by reference only, since it holds a secret."""

    name: Name
    url: SecretReference


class Alerts(Section):
    """Who is told of what got worse."""

    from_severity: Severity = Severity.HIGH
    console: bool = True
    channels: list[Channel] = Field(default_factory=list)


class AdHoc(Section):
    """What may be scanned by hand besides the configured targets."""

    allow: list[str] = Field(
        default_factory=list, description="URL or image patterns, e.g. https://git.example.org/*"
    )
    private_hosts: list[str] = Field(
        default_factory=list, description="private addresses or host names that are allowed"
    )


class Execution(Section):
    """How a night is cut into pieces."""

    shard_targets: int = Field(100, ge=1, description="most targets in one mapped task")
    shard_seconds: int = Field(6 * 3600, ge=60, description="time limit of one mapped task")
    pool: str = Field("default_pool", description="Airflow pool of the scan tasks; must exist")
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
    schedules: dict[Name, Schedule] = Field(default_factory=lambda: {"nightly": Schedule()})
    scanners: Scanners = Scanners()
    limits: Limits = Limits()
    ignore: Ignore = Ignore()
    advisories: Advisories = Advisories()
    alerts: Alerts = Alerts()
    adhoc: AdHoc = AdHoc()
    execution: Execution = Execution()
