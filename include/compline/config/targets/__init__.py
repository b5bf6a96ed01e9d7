"""The section `targets`: everything that the organisation owns and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, cast

from pydantic import Field, model_validator

from compline.config.fields import Misplaced, Section
from compline.config.targets.airflow import Airflow
from compline.config.targets.endpoints import Endpoint
from compline.config.targets.listed import Listed
from compline.config.targets.logs import Log
from compline.config.targets.models import ModelFiles
from compline.config.targets.object_stores import CloudStore
from compline.config.targets.pipelines import Pipeline
from compline.config.targets.registries import ModelRegistry
from compline.config.targets.sources import Image, Repository
from compline.config.targets.stores import DataStore

AnyStore = Annotated[DataStore | CloudStore, Field(discriminator="kind")]


class Targets(Section):
    """Everything that the organisation owns and lists."""

    repositories: list[Repository] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    data_stores: list[AnyStore] = Field(default_factory=list)
    model_registries: list[ModelRegistry] = Field(default_factory=list)
    airflow: list[Airflow] = Field(default_factory=list)
    logs: list[Log] = Field(default_factory=list)
    endpoints: list[Endpoint] = Field(default_factory=list)
    models: list[ModelFiles] = Field(default_factory=list)
    pipelines: list[Pipeline] = Field(default_factory=list)

    @model_validator(mode="after")
    def _unique(self) -> Targets:
        seen: set[str] = set()
        for group, entries in self.groups().items():
            for number, entry in enumerate(entries):
                if entry.name in seen:
                    raise Misplaced(
                        f"two targets are named {entry.name!r}: findings need one owner",
                        at=(group, number, "name"),
                    )
                seen.add(entry.name)
        return self

    @model_validator(mode="after")
    def _logs_of_registries(self) -> Targets:
        known = {each.name for each in self.model_registries if each.kind == "mlflow"}
        for number, log in enumerate(self.logs):
            named = log.access.registry if log.access else None
            if named is not None and named not in known:
                raise Misplaced(
                    f"found {named!r}, expected the name of an MLflow registry under "
                    f"model_registries: {', '.join(sorted(known)) or 'there is none'}",
                    at=("logs", number, "access", "registry"),
                )
        return self

    def groups(self) -> Mapping[str, Sequence[Listed]]:
        """Everything listed, by its key in the file, in the order of this class."""
        return {
            group: cast(Sequence[Listed], getattr(self, group)) for group in type(self).model_fields
        }

    def names(self) -> list[str]:
        """The names of everything listed, in the order of the file, kind by kind."""
        return [entry.name for entries in self.groups().values() for entry in entries]
