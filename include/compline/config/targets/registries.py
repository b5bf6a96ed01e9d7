"""Model registries: one class per kind."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from compline.config.fields import WebUrl
from compline.config.secrets import SecretReference
from compline.config.targets.models import Judged
from compline.config.targets.stores import Inventoried
from compline.model import TargetKind

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_FILE_HOST = re.compile(rf"({_LABEL}(\.{_LABEL})*|\*\.{_LABEL}(\.{_LABEL})+)(:[1-9][0-9]{{0,4}})?")


class Mlflow(Judged):
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
    artifact_credential: SecretReference | None = Field(
        None,
        description="ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN] that may read the bucket's "
        "policy and ACL",
    )
    policy: dict[str, Any] = Field(
        default_factory=dict,
        description="admins, users, default_permission, grants, teams, roles, movers, ...",
    )

    @property
    def locator(self) -> str:
        """Its URL."""
        return self.url


class _Inventory(Judged, Inventoried):
    """A registry that is judged by a suite of expectations over an inventory of it."""

    target_kind: ClassVar = TargetKind.MODEL_REGISTRY


class SageMaker(_Inventory):
    """The SageMaker Model Registry of one account and region."""

    kind: Literal["sagemaker"]
    region: str = Field(description="`eu-west-1`")
    account: str = Field(
        "", pattern=r"^(\d{12})?$", description="own account; default: the groups'"
    )
    endpoint: WebUrl | None = Field(None, description="where it is not AWS")
    credential: SecretReference = Field(
        description="ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
    )

    @property
    def locator(self) -> str:
        """Account and region."""
        return f"sagemaker:{self.region}:{self.account}"


def _file_host(entry: str) -> str:
    """A host with a port where it is not the usual one, or every name below a domain."""
    if not _FILE_HOST.fullmatch(entry):
        raise ValueError(
            "expected HOST, HOST:PORT or *.DOMAIN.EXAMPLE, without https:// and without a path"
        )
    return entry.lower()


class HuggingFace(_Inventory):
    """An organisation of the Hugging Face Hub."""

    kind: Literal["huggingface"]
    organisation: str = Field(pattern=r"^[\w.-]+$")
    token: SecretReference = Field(description="a fine-grained token that may read")
    url: WebUrl = Field("https://huggingface.co", description="of a mirror")
    file_hosts: list[Annotated[str, AfterValidator(_file_host)]] = Field(
        default_factory=lambda: ["*.hf.co", "*.huggingface.co"],
        description="hosts that the Hub may redirect us to for a file's content; they never get "
        "the token",
    )

    @property
    def locator(self) -> str:
        """Its page."""
        return f"{self.url}/{self.organisation}"


class ModelDirectory(_Inventory):
    """A folder or a bucket with a folder per model and version."""

    kind: Literal["directory"]
    url: str = Field(description="a path, or any fsspec URL (`s3://models/released`)")
    endpoint: WebUrl | None = Field(None, description="of an S3 that is not AWS")
    credential: SecretReference | None = Field(
        None, description="of S3: ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]"
    )

    @field_validator("url")
    @classmethod
    def _without_credential(cls, url: str) -> str:
        if "@" in urlsplit(url).netloc:
            raise ValueError("must hold no credential: give credential")
        return url

    @property
    def locator(self) -> str:
        """Its URL."""
        return self.url


ModelRegistry = Annotated[
    Mlflow | SageMaker | HuggingFace | ModelDirectory, Field(discriminator="kind")
]
