"""What every listed target has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic.fields import FieldInfo

from compline.config.fields import Labels, Name, Section
from compline.config.secrets import AMBIENT, is_reference
from compline.model import TargetKind


class Listed(Section):
    """What every listed target has; a kind of target is a subclass and a line in `Targets`."""

    target_kind: ClassVar[TargetKind]

    name: Name
    labels: Labels = Field(default_factory=dict, description="owner, team, tier, environment, ...")

    @property
    def locator(self) -> str:
        """Where it is, without any credential."""
        raise NotImplementedError

    @property
    def ref(self) -> str:
        """What is tracked of it; only repositories have something."""
        return ""

    def references(self) -> Iterator[tuple[str, str]]:
        """(field, secret reference) of those that are given."""
        for field, info in type(self).model_fields.items():
            value = getattr(self, field)
            if isinstance(value, str) and value != AMBIENT and _holds_references(info):
                yield field, value

    def paths(self) -> Iterator[tuple[str, Path]]:
        """(field, path) of the files and folders that are given."""
        for field in type(self).model_fields:
            value = getattr(self, field)
            if isinstance(value, Path):
                yield field, value


def _holds_references(info: FieldInfo) -> bool:
    return is_reference(info.annotation) or any(map(is_reference, info.metadata))
