"""Model registries: one class per kind."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from compline.config.fields import WebUrl
from compline.config.secrets import SecretReference
from compline.config.targets.models import Judged
from compline.model import TargetKind


class Mlflow(Judged):
    """An MLflow server whose permissions are held against a declared policy."""

    target_kind: ClassVar = TargetKind.MODEL_REGISTRY

    kind: Literal["mlflow"]
    url: WebUrl
    credential: SecretReference | None = Field(
        None, description="user:password of an administrator"
    )
    policy: dict[str, Any] = Field(
        default_factory=dict, description="admins, default_permission, grants per user and model"
    )

    @property
    def locator(self) -> str:
        """Its URL."""
        return self.url


ModelRegistry = Mlflow
