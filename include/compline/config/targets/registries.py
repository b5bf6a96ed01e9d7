"""Model registries: one class per kind."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from compline.config.fields import WebUrl
from compline.config.secrets import SecretReference
from compline.config.targets.listed import Listed
from compline.model import TargetKind


class Mlflow(Listed):
    """An MLflow server whose permissions are held against a declared policy."""

    target_kind: ClassVar = TargetKind.MODEL_REGISTRY

    kind: Literal["mlflow"]
    url: WebUrl
    credential: SecretReference | None = Field(
        None, description="user:password of an administrator"
    )
    artifact_endpoint: WebUrl | None = Field(
        None, description="of the S3 that holds the artifacts, where it is not AWS"
    )
    artifact_access_key: SecretReference | None = Field(
        None, description="to read the bucket's policy and ACL; default: the environment's"
    )
    artifact_secret_key: SecretReference | None = None
    policy: dict[str, Any] = Field(
        default_factory=dict,
        description="admins, users, default_permission, grants, teams, roles, movers, ...",
    )

    @property
    def locator(self) -> str:
        """Its URL."""
        return self.url


ModelRegistry = Mlflow
