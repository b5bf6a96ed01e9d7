"""The reviewed waivers.yaml: accepted risks as the organisation keeps them in git."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from compline.config.fields import Labels, Section
from compline.config.loader import ConfigError, LineOf, Mistake, parse_document, read_text
from compline.config.memory import WaiverSettings

_SELECTORS = ("rule", "scanner", "target", "path", "labels")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Globs = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_as_list)]
Words = Annotated[str, Field(pattern=r"\S")]


class WaiverEntry(Section):
    """One accepted risk: of one finding, or of what all the selectors that are given match."""

    finding: str = Field("", description="a finding's id")
    rule: Globs = Field(default_factory=list, description="rule or advisory ids, globs")
    scanner: Globs = Field(default_factory=list)
    target: Globs = Field(default_factory=list)
    path: Globs = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict, description="of the target, each value a glob")
    reason: Words
    owner: Words = Field(description="who answers for the risk")
    expires: date = Field(description="last day on which it counts, UTC")
    requester: str = Field("", description="default: the owner")
    approver: str = Field("", description="another person, where the configuration asks for one")

    @model_validator(mode="after")
    def _about_something(self) -> WaiverEntry:
        selects = any(getattr(self, name) for name in _SELECTORS)
        if bool(self.finding) == selects:
            raise ValueError(
                "give either `finding`, or at least one of "
                + ", ".join(f"`{n}`" for n in _SELECTORS)
            )
        return self


class WaiverFile(Section):
    """All of waivers.yaml."""

    waivers: list[WaiverEntry] = Field(default_factory=list)


def load_waivers(
    path: Path, settings: WaiverSettings, today: date
) -> list[tuple[int, WaiverEntry]]:
    """The entries with the lines that they begin at.

    Args:
        path: of the file.
        settings: who may waive for how long.
        today: what an expiry is counted from.

    Raises:
        ConfigError: not there, not YAML, or not valid; every mistake with its line.
    """
    document, line_of = parse_document(read_text(path), path, WaiverFile)
    mistakes = list(_mistakes(path, document, line_of, settings, today))
    if mistakes:
        raise ConfigError(mistakes)
    return [(line_of(("waivers", number)), entry) for number, entry in enumerate(document.waivers)]


def _mistakes(
    path: Path, document: WaiverFile, line_of: LineOf, settings: WaiverSettings, today: date
) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    most = max(settings.longest_days.values(), default=None)
    for number, entry in enumerate(document.waivers):
        line = line_of(("waivers", number))

        def mistake(key: str, message: str, number: int = number) -> Mistake:
            place = ("waivers", number, key)
            return Mistake(str(path), line_of(place), f"waivers.{number}.{key}", message)

        if most is not None and entry.expires > today + timedelta(days=most):
            yield mistake("expires", f"no waiver may last longer than {most} days from now")
        if settings.second_person and not entry.finding and not entry.approver:
            yield mistake("approver", "is required: `waivers.second_person` is configured")
        if entry.approver and entry.approver == (entry.requester or entry.owner):
            yield mistake("approver", "must be another person than the requester")
        content = entry.model_dump_json()
        if content in seen:
            yield mistake("reason", f"is the same entry as the one at line {seen[content]}")
        seen[content] = line
