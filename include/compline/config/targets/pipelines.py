"""Data pipelines: which data goes where, by whose hand."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from compline.config.fields import LocalPath, Name, Section
from compline.config.targets.stores import Inventoried
from compline.model import TargetKind


class Hop(Section):
    """One way that data takes between the pipeline and a store."""

    dataset: Name
    store: Name = Field(description="name of a data store under targets")
    direction: Literal["read", "write"]
    resource: str = Field("", description="table, topic or bucket in the store")
    account: str = Field("", description="service account that the pipeline uses there")
    classification: str = Field("", description="what the data is: personal, training, ...")


class Flow(Section):
    """A declared data flow: in compline.yaml, or in a file of the pipeline's repository."""

    hops: list[Hop] = Field(min_length=1)
    connections: list[str] = Field(
        default_factory=list, description="ids of the Airflow connections that its DAG needs"
    )


class Pipeline(Inventoried):
    """A data pipeline, whose every hop must be encrypted and closed."""

    target_kind: ClassVar = TargetKind.PIPELINE

    dag: str = Field("", description="id of its DAG")
    dag_file: LocalPath | None = Field(None, description="source of the DAG; read, never run")
    flow: Flow | None = None
    flow_file: LocalPath | None = Field(
        None, description="compline-pipeline.yaml of its repository, in place of `flow`"
    )

    @model_validator(mode="after")
    def _one_declaration(self) -> Pipeline:
        if (self.flow is None) == (self.flow_file is None):
            raise ValueError("give either `flow` or `flow_file`")
        return self

    @property
    def locator(self) -> str:
        """Its DAG, or the file that declares it."""
        return f"dag:{self.dag}" if self.dag else str(self.flow_file or "")
