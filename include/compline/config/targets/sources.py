"""Repositories and container images."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from compline.config.fields import ImageReference, LocalPath, RepositoryUrl
from compline.config.secrets import SecretReference
from compline.config.targets.listed import Listed
from compline.model import TargetKind


class Repository(Listed):
    """A git repository and the branch whose findings have a life."""

    target_kind: ClassVar = TargetKind.REPOSITORY

    url: RepositoryUrl
    branch: str = Field(
        "",
        pattern=r"^([^\s~^:?*\[\\-][^\s~^:?*\[\\]*)?$",
        description="tracked branch; empty: the remote's HEAD",
    )
    credential: SecretReference | None = Field(
        None, description="token (https) or private key (ssh)"
    )
    history: Literal["shallow", "full"] = "shallow"

    @property
    def locator(self) -> str:
        """Its URL."""
        return self.url

    @property
    def ref(self) -> str:
        """The tracked branch."""
        return self.branch


class Image(Listed):
    """A container image: an archive on disk or a reference in a registry."""

    target_kind: ClassVar = TargetKind.IMAGE

    archive: LocalPath | None = Field(None, description="docker-archive (.tar) or OCI archive")
    reference: ImageReference | None = Field(
        None, description="registry/name:tag, pulled without a daemon"
    )
    credential: SecretReference | None = Field(None, description="user:password for the registry")

    @model_validator(mode="after")
    def _one_place(self) -> Image:
        if (self.archive is None) == (self.reference is None):
            raise ValueError("give either `archive` or `reference`")
        return self

    @property
    def locator(self) -> str:
        """The archive's path, or the reference as `docker://...`."""
        return str(self.archive) if self.archive else f"docker://{self.reference}"
