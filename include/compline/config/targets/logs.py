"""Log files: secrets are looked for in all of them, theft of models in access logs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from compline.config.cron import check_timezone
from compline.config.fields import LocalPath, Misplaced, Section
from compline.config.targets.listed import Listed
from compline.model import TargetKind


def _template(text: str) -> str:
    if not text.startswith("/") or text.count("{model}") != 1 or text.count("{version}") > 1:
        raise ValueError(
            f"found {text[:80]!r}, expected a path such as /models/{{model}}/{{version}}/** with "
            "{model} once and {version} at most once"
        )
    if "{" in text.replace("{model}", "").replace("{version}", ""):
        raise ValueError("only {model} and {version} are known in braces")
    if text.count("**") > 3:
        raise ValueError("at most three ** in a path")
    return text


class Access(Section):
    """What is a model's download in an access log, and what is out of habit."""

    paths: list[Annotated[str, AfterValidator(_template)]] = Field(
        default_factory=list,
        description="paths that are models, as /models/{model}/{version}/**; of S3 /BUCKET/KEY",
    )
    principal: Literal["user", "network"] = Field(
        "user", description="who downloads: the remote user, or its network where nobody logs in"
    )
    forwarded: bool = Field(
        False,
        description="combined: the last quoted field of a line is X-Forwarded-For, whose last "
        "address is the client's",
    )
    addresses: Literal["truncated", "whole", "none"] = Field(
        "truncated", description="what is kept of IP addresses: their /24 or /48, all, nothing"
    )
    timezone: Annotated[str, AfterValidator(check_timezone)] = Field(
        "UTC", description="of hours and days, and of lines that name none"
    )
    allowed: list[str] = Field(
        default_factory=list,
        description="principals (patterns with *) that nothing is said of; `anonymous` is one",
    )
    registry: str | None = Field(
        None,
        description="the MLflow registry that the log is of, by its proxy: its ways to files are "
        "known, and its check tells who was last seen when",
    )
    learning_days: int = Field(14, ge=1, description="days of the log before habits are judged")
    habit_days: int = Field(90, ge=2, description="days that habits are made of, then forgotten")
    keep_days: int = Field(30, ge=1, description="how long a finding stays after its event")
    volume_factor: float = Field(4.0, ge=1, description="times the usual day's volume")
    volume_floor_mb: int = Field(100, ge=0, description="a day below it is never too much")
    volume_floor_downloads: int = Field(
        50, ge=0, description="the same for logs that do not tell bytes"
    )
    quiet_hours: Annotated[str, Field(pattern=r"^([01]\d|2[0-3])-([01]\d|2[0-3])$")] | None = Field(
        None, description="fixed, as 22-06; besides them hours are judged by habit"
    )
    many_models: int = Field(
        10, ge=1, description="more models than this by one principal within two hours"
    )
    silent_hours: int = Field(
        36, ge=0, description="without a new line the log counts as broken off; 0: never"
    )

    @model_validator(mode="after")
    def _fits(self) -> Access:
        for key, least in (("learning_days", 1), ("keep_days", 0)):
            if getattr(self, key) + least > self.habit_days:
                raise Misplaced(f"habit_days must be longer than {key}", at=("habit_days",))
        return self


class Log(Listed):
    """The log files of one service, by name or pattern."""

    target_kind: ClassVar = TargetKind.LOG

    files: list[LocalPath] = Field(
        min_length=1, description="names or patterns (`*`, `**`) of files, rotated ones among them"
    )
    format: Literal["plain", "combined", "s3", "mlflow"] = Field(
        "plain",
        description="plain lines of text, or an access log: Combined Log Format, S3 server access "
        "log, MLflow's own; .gz is unpacked",
    )
    access: Access | None = Field(None, description="of access logs: what is out of habit")
    closes: bool = Field(
        False,
        description="whether a finding closes when no file holds the secret any more; by default "
        "it stays, since a secret that was logged is disclosed until it is revoked",
    )

    @model_validator(mode="after")
    def _access_fits(self) -> Log:
        if self.format == "plain":
            if self.access is not None:
                raise Misplaced("`access` needs a `format`: combined, s3 or mlflow", at=("access",))
        elif self.format != "mlflow" and not (
            self.access and (self.access.paths or self.access.registry)
        ):
            raise Misplaced(
                f"with the format {self.format}, `access.paths` must say which paths are models",
                at=("format",),
            )
        if self.access and self.access.registry and self.format == "s3":
            raise Misplaced("a log of S3 names no accounts of MLflow", at=("access", "registry"))
        return self

    @property
    def locator(self) -> str:
        """The names and patterns."""
        return ", ".join(str(each) for each in self.files)
