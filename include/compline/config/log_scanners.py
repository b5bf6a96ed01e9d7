"""The sections of the scanners that read logs."""

from __future__ import annotations

from pydantic import Field

from compline.config.fields import Section


class LogSettings(Section):
    """Secrets in log files and in Airflow's task logs."""

    enabled: bool = True
    seconds: int = Field(300, ge=1, description="time of reading one target, without the scan")
    newest: int = Field(2000, ge=1, description="files, or task instances' logs, of one target")
    read_mb: int = Field(1024, ge=1, description="what is newly read of one target in one night")


class AccessSettings(Section):
    """Downloads of models in access logs."""

    enabled: bool = True
    seconds: int = Field(600, ge=1, description="time of reading one target")
    newest: int = Field(50_000, ge=1, description="files of one target; the last written")
    read_mb: int = Field(4096, ge=1, description="what is newly read of one target in one night")
