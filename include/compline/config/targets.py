"""The section `targets`: everything that the organisation owns and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from compline.config.fields import (
    ImageReference,
    Labels,
    LocalPath,
    Misplaced,
    Name,
    RepositoryUrl,
    Section,
    WebUrl,
)
from compline.config.secrets import SecretReference


class Listed(Section):
    """What every listed target has."""

    name: Name
    labels: Labels = Field(default_factory=dict, description="owner, team, tier, environment, ...")


class Repository(Listed):
    """A git repository and the branch whose findings have a life."""

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


class Image(Listed):
    """A container image: an archive on disk or a reference in a registry."""

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
    url: WebUrl
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
        for group, entries in self.groups().items():
            for number, entry in enumerate(entries):
                if entry.name in seen:
                    raise Misplaced(
                        f"two targets are named {entry.name!r}: findings need one owner",
                        at=(group, number, "name"),
                    )
                seen.add(entry.name)
        return self

    def groups(self) -> Mapping[str, Sequence[Listed]]:
        """Everything listed, by its key in the file."""
        return {
            "repositories": self.repositories,
            "images": self.images,
            "data_stores": self.data_stores,
            "model_registries": self.model_registries,
        }

    def names(self) -> list[str]:
        """The names of everything listed, in the order of the file, kind by kind."""
        return [entry.name for entries in self.groups().values() for entry in entries]
