"""What every section of compline.yaml is built from: names, addresses, paths, dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
Name = Annotated[str, Field(pattern=rf"^{_WORD}(/{_WORD})*$", max_length=100)]
Labels = dict[str, str]


class Misplaced(ValueError):
    """A mistake that stands deeper in a section than the check that found it."""

    def __init__(self, message: str, at: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.at = at
        """From the section to the mistake."""


def _url_of(*schemes: str) -> Callable[[str], str]:
    def check(url: str) -> str:
        """A locator must be one of ours and carry no credential (an ssh user alone is fine)."""
        scheme, separator, rest = url.partition("://")
        userinfo, at, _ = (rest if separator else url).split("/", 1)[0].rpartition("@")
        if at and (":" in userinfo or scheme in ("http", "https")):
            raise ValueError("a credential in a URL is refused: use `credential: env:NAME`")
        if not separator or scheme not in schemes:
            wanted = ", ".join(f"{known}://" for known in schemes)
            raise ValueError(
                f"expected a URL that begins with {wanted} (`user@host:path` is written "
                "ssh://user@host/path, a folder file:///path)"
                if "ssh" in schemes
                else f"expected a URL that begins with {wanted}"
            )
        if scheme != "file" and ("?" in rest or "#" in rest):
            # Not repeated: what stands behind `?` is often a token.
            raise ValueError("a URL with `?` or `#` is refused here: a token goes to `credential`")
        if scheme != "file":
            try:
                urlsplit(url).port  # noqa: B018 - it is parsed when it is asked for
            except ValueError:
                raise ValueError("the host or the port in the URL is none") from None
        return url

    return check


def _no_credential(reference: str) -> str:
    registry, slash, _ = reference.partition("/")
    if slash and "@" in registry:
        raise ValueError("a credential in a reference is refused: use `credential: env:NAME`")
    return reference


def from_the_file(path: Path, info: ValidationInfo) -> Path:
    """Relative paths are meant from the folder of compline.yaml (validation context `base`)."""
    base = (info.context or {}).get("base")
    return Path(base) / path if base is not None else path


def _date_text(value: Any) -> Any:
    """YAML reads an unquoted date as one."""
    return value.isoformat() if isinstance(value, date) else value


def _iso_date(text: str) -> str:
    try:
        date.fromisoformat(text[:10] or "0001-01-01")
    except ValueError:
        raise ValueError(f"found {text[:40]!r}, expected an ISO date such as 2026-01-31") from None
    return text


RepositoryUrl = Annotated[str, AfterValidator(_url_of("https", "http", "ssh", "file"))]
WebUrl = Annotated[str, AfterValidator(_url_of("https", "http"))]
ImageReference = Annotated[str, AfterValidator(_no_credential)]
IsoDate = Annotated[str, BeforeValidator(_date_text), AfterValidator(_iso_date)]
LocalPath = Annotated[Path, AfterValidator(from_the_file)]


class Section(BaseModel):
    """Common to all: unknown keys are mistakes, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
