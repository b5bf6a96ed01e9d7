"""Deployments of Airflow: the one that runs Compline, and others by their address."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from compline.config.fields import WebUrl
from compline.config.secrets import SecretReference
from compline.config.targets.stores import Inventoried
from compline.model import TargetKind


class Airflow(Inventoried):
    """A deployment of Airflow 3, over its REST API and, where it runs us, from within a task."""

    target_kind: ClassVar = TargetKind.AIRFLOW

    here: bool = Field(
        False, description="whether it is the deployment that runs Compline: more can be seen of it"
    )
    url: WebUrl | None = Field(None, description="its address, as browsers use it")
    credential: SecretReference | None = Field(
        None, description="a token, or user:password, which is exchanged for one at /auth/token"
    )

    @model_validator(mode="after")
    def _some_way(self) -> Airflow:
        if not self.here and not (self.url and self.credential):
            raise ValueError("give `url` and `credential`, or `here: true` for our own deployment")
        if self.credential and not self.url:
            raise ValueError("`credential` needs the `url` that it is for")
        return self

    @property
    def locator(self) -> str:
        """Its URL, or that it is our own."""
        return self.url or "this deployment"
