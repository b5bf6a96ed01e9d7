"""Data pipelines: which data goes where, by whose hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from compline.config.fields import Name, Section, from_the_file
from compline.config.targets.stores import Inventoried
from compline.model import TargetKind

_FILES = ("dag_file", "flow_file")


class Hop(Section):
    """One way that data takes between the pipeline and a store."""

    dataset: Name
    store: Name = Field(description="name of a data store under targets")
    direction: Literal["read", "write"]
    resource: str = Field("", description="table, topic or bucket in the store")
    account: str = Field("", description="service account that the pipeline uses there")
    accessors: list[str] | None = Field(
        None, description="who else may reach the resource, `*` allowed; [] for nobody"
    )
    connection: str = Field("", description="id of the Airflow connection that it goes through")
    classification: str = Field("", description="what the data is: personal, training, ...")


class Flow(Section):
    """A declared data flow: in compline.yaml, or in a file of the pipeline's repository."""

    hops: list[Hop] = Field(min_length=1)
    connections: list[str] = Field(
        default_factory=list,
        description="ids of the Airflow connections that its DAG needs, besides those of hops",
    )


class Pipeline(Inventoried):
    """A data pipeline, whose every hop must be encrypted and closed."""

    target_kind: ClassVar = TargetKind.PIPELINE

    dag: str = Field("", description="id of its DAG")
    repository: Name | None = Field(
        None, description="name of the listed repository that `dag_file` and `flow_file` lie in"
    )
    dag_file: Path | None = Field(None, description="source of the DAG; read, never run")
    airflow: Name | None = Field(
        None,
        description="name of the listed Airflow that runs it: tells source and connections itself",
    )
    flow: Flow | None = None
    flow_file: Path | None = Field(
        None, description="compline-pipeline.yaml of its repository, in place of `flow`"
    )

    @field_validator(*_FILES)
    @classmethod
    def _place(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        """Inside the repository where one is named, else from the folder of compline.yaml."""
        if path is None or info.data.get("repository") is None:
            return path and from_the_file(path, info)
        inside = PurePosixPath(path.as_posix())
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise ValueError("expected the path of a file inside the repository, without `..`")
        return path

    @model_validator(mode="after")
    def _one_declaration(self) -> Pipeline:
        if (self.flow is None) == (self.flow_file is None):
            raise ValueError("give either `flow` or `flow_file`")
        if self.repository and not (self.flow_file or self.dag_file):
            raise ValueError("`repository` needs a `flow_file` or `dag_file` to read in it")
        if self.airflow and self.dag_file:
            raise ValueError("give either `airflow`, which shows the DAG's source, or `dag_file`")
        if self.airflow and not self.dag:
            raise ValueError("`airflow` needs the `dag`: the id of the one that is meant")
        return self

    @property
    def locator(self) -> str:
        """Its DAG, or the file that declares it."""
        return f"dag:{self.dag}" if self.dag else str(self.flow_file or "")

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Those on this machine's disk."""
        for field, path in super().paths():
            if not (self.repository and field in _FILES):
                yield field, path
