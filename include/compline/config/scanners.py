"""The section `scanners`: one model per scanner, named as on the command line."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from compline.config.fields import LocalPath, Section

Pack = Literal["ai", "python"]
TrivyKind = Literal["vuln", "misconfig", "secret", "license"]


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


class LineageSettings(Section):
    """What depends on what, out of DVC files, model cards and image labels."""

    enabled: bool = True


class ServiceSettings(Section):
    """Checks of live services."""

    enabled: bool = True
    seconds: int = Field(60, ge=1, description="time of one check")


class LogSettings(Section):
    """Secrets in log files and in Airflow's task logs."""

    enabled: bool = True
    seconds: int = Field(300, ge=1, description="time of reading one target, without the scan")
    newest: int = Field(2000, ge=1, description="files, or task instances' logs, of one target")
    read_mb: int = Field(1024, ge=1, description="what is newly read of one target in one night")


class DynamicSettings(ServiceSettings):
    """Generated requests to endpoints that allow them, bounded per endpoint."""

    seconds: int = Field(300, ge=10, description="after so long nothing more is sent")
    requests: int = Field(1000, ge=1, description="most requests to one endpoint")
    examples: int = Field(20, ge=1, description="random cases per operation and phase")


class OpeningSettings(Section):
    """A tool that opens model files."""

    enabled: bool = True


class ModelGuardSettings(ServiceSettings):
    """What vouches for models, and how their files are read by all who read them."""

    seconds: int = Field(300, ge=1, description="time to list one registry or bucket")
    reread_days: int = Field(
        30, ge=1, description="each file is read in full at least every so many days"
    )
    file_gb: int = Field(64, ge=1, description="a larger model file is a gap")


class AccessSettings(Section):
    """Downloads of models in access logs."""

    enabled: bool = True
    seconds: int = Field(600, ge=1, description="time of reading one target")
    newest: int = Field(50_000, ge=1, description="files of one target; the last written")
    read_mb: int = Field(4096, ge=1, description="what is newly read of one target in one night")


class Scanners(Section):
    """One section per scanner, named as on the command line."""

    bandit: BanditSettings = BanditSettings()
    semgrep: SemgrepSettings = SemgrepSettings()
    pip_audit: PipAuditSettings = Field(PipAuditSettings(), alias="pip-audit")
    trivy: TrivySettings = TrivySettings()
    trivy_image: TrivySettings = Field(TrivySettings(), alias="trivy-image")
    lineage: LineageSettings = LineageSettings()
    data_expectations: ServiceSettings = Field(ServiceSettings(), alias="data-expectations")
    column_content: ServiceSettings = Field(ServiceSettings(), alias="column-content")
    registry_permissions: ServiceSettings = Field(ServiceSettings(), alias="registry-permissions")
    airflow_audit: ServiceSettings = Field(ServiceSettings(), alias="airflow-audit")
    log_secrets: LogSettings = Field(LogSettings(), alias="log-secrets")
    model_access: AccessSettings = Field(AccessSettings(), alias="model-access")
    endpoint_guard: ServiceSettings = Field(ServiceSettings(seconds=180), alias="endpoint-guard")
    endpoint_dynamic: DynamicSettings = Field(DynamicSettings(), alias="endpoint-dynamic")
    modelaudit: OpeningSettings = OpeningSettings()
    picklescan: OpeningSettings = OpeningSettings()
    model_guard: ModelGuardSettings = Field(ModelGuardSettings(), alias="model-guard")
    pipeline_flows: ServiceSettings = Field(ServiceSettings(), alias="pipeline-flows")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every scanner's name on the command line."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    def of(self, scanner: str) -> Any:
        """The section of a scanner by its name on the command line."""
        return getattr(self, scanner.replace("-", "_"))
