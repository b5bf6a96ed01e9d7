"""What every section of compline.yaml is built from: names, addresses, paths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

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


class Section(BaseModel):
    """Common to all: unknown keys are mistakes, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
