"""Log files in which secrets are looked for."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from compline.config.fields import LocalPath
from compline.config.targets.listed import Listed
from compline.model import TargetKind


class Log(Listed):
    """The log files of one service, by name or pattern."""

    target_kind: ClassVar = TargetKind.LOG

    files: list[LocalPath] = Field(
        min_length=1, description="names or patterns (`*`, `**`) of files, rotated ones among them"
    )
    format: Literal["plain"] = Field("plain", description="lines of text; .gz is unpacked")
    closes: bool = Field(
        False,
        description="whether a finding closes when no file holds the secret any more; by default "
        "it stays, since a secret that was logged is disclosed until it is revoked",
    )

    @property
    def locator(self) -> str:
        """The names and patterns."""
        return ", ".join(str(each) for each in self.files)
