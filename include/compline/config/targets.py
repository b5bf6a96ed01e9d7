"""The section `targets`: everything that the organisation owns and lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Literal

from pydantic import Field, model_validator

from compline.config.fields import Labels, LocalPath, Name, Section, Url
from compline.config.secrets import SecretReference


class Listed(Section):
    """What every listed target has."""

    name: Name
    labels: Labels = Field(default_factory=dict, description="owner, team, tier, environment, ...")


class Repository(Listed):
    """A git repository and the branch whose findings have a life."""

    url: Url
    branch: str = Field("", description="tracked branch; empty: the remote's HEAD")
    credential: SecretReference | None = Field(
        None, description="token (https) or private key (ssh)"
    )
    history: Literal["shallow", "full"] = "shallow"


class Image(Listed):
    """A container image: an archive on disk or a reference in a registry."""

    archive: LocalPath | None = Field(None, description="docker-archive (.tar) or OCI archive")
    reference: str | None = Field(None, description="registry/name:tag, pulled without a daemon")
    credential: SecretReference | None = Field(None, description="user:password for the registry")

    @model_validator(mode="after")
    def _one_place(self) -> Image:
        if (self.archive is None) == (self.reference is None):
            raise ValueError("give either `archive` or `reference`")
        return self


class DataStore(Listed):
    """A store whose encryption and access are checked by expectations."""

    kind: Literal["postgresql", "inventory"]
    url: SecretReference | None = Field(None, description="connection URL (postgresql)")
    path: LocalPath | None = Field(None, description="CSV, JSON or Parquet (inventory)")
    columns: dict[str, Literal["string", "integer", "number", "boolean", "datetime"]] = Field(
        default_factory=dict, description="declared schema of the inventory file"
    )
    suite: LocalPath | None = Field(None, description="own expectations; default: the kind's suite")
    policy: dict[str, Any] = Field(
        default_factory=dict, description="what is allowed: superusers, roles, grants, encryption"
    )

    @model_validator(mode="after")
    def _located(self) -> DataStore:
        wanted = {"postgresql": self.url, "inventory": self.path}[self.kind]
        if wanted is None:
            raise ValueError("a postgresql store needs `url: env:NAME`, an inventory needs `path:`")
        return self


class ModelRegistry(Listed):
    """A registry whose permissions are held against a declared policy."""

    kind: Literal["mlflow"]
    url: Url
    credential: SecretReference | None = Field(
        None, description="user:password of an administrator"
    )
    policy: dict[str, Any] = Field(
        default_factory=dict, description="admins, default_permission, grants per user and model"
    )


class Targets(Section):
    """Everything that the organisation owns and lists."""

    repositories: list[Repository] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    data_stores: list[DataStore] = Field(default_factory=list)
    model_registries: list[ModelRegistry] = Field(default_factory=list)

    @model_validator(mode="after")
    def _unique(self) -> Targets:
        seen: set[str] = set()
        groups: tuple[Sequence[Listed], ...] = (
            self.repositories,
            self.images,
            self.data_stores,
            self.model_registries,
        )
        for entry in chain.from_iterable(groups):
            if entry.name in seen:
                raise ValueError(f"two targets are named {entry.name!r}: findings need one owner")
            seen.add(entry.name)
        return self
