"""Models: files in a folder or bucket, and what is asked of models wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from compline.config.fields import LocalPath, Section, WebUrl
from compline.config.secrets import SecretReference
from compline.config.targets.listed import Listed
from compline.model import TargetKind


def _folder_or_url(url: str, info: ValidationInfo) -> str:
    """A path is meant from the folder of compline.yaml; a URL carries no credential."""
    parts = urlsplit(url)
    if not parts.scheme:
        base = (info.context or {}).get("base")
        return str(Path(base) / url) if base is not None else url
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("a credential in a URL is refused: it comes from the environment")
    if len(parts.scheme) < 2 or not (parts.netloc or parts.path):
        raise ValueError("expected a folder, or a URL such as s3://bucket/folder")
    return url


FolderUrl = Annotated[str, Field(min_length=1), AfterValidator(_folder_or_url)]
BucketUrl = Annotated[str, Field(pattern=r"^s3://[A-Za-z0-9.-]+(/[^?#@]*)?$")]


class ModelRules(Section):
    """What models have to meet."""

    production: str = Field(
        "production",
        description="alias or stage that production serves; in folders the version; of SageMaker "
        "an approval status, by default Approved; of the Hugging Face Hub a branch or tag, by "
        "default main",
    )
    artifacts: list[BucketUrl] = Field(
        default_factory=list, description="buckets that a registry may lead our reading to"
    )
    keys: list[LocalPath] = Field(
        default_factory=list, description="public keys (PEM) whose signatures count"
    )
    certificates: list[LocalPath] = Field(
        default_factory=list, description="roots of the certificates whose signatures count"
    )
    signature: str = Field(
        "model.sig", pattern=r"^[^/].*$", description="the signature's file in each version"
    )
    ignore_unsigned_files: bool = Field(
        False, description="accept files that were added after signing"
    )
    licences: list[str] = Field(
        default_factory=list, description="SPDX ids that are allowed; empty: any that is stated"
    )
    provenance: list[Literal["run", "commit", "dataset"]] = Field(
        default_factory=list, description="what must be known of a version's origin"
    )
    formats: list[str] = Field(
        default_factory=list, description="formats that can run code and are allowed all the same"
    )


class Judged(Listed):
    """Whatever holds models."""

    models: ModelRules = ModelRules()

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Its own files, and those of its rules about models."""
        yield from super().paths()
        for path in (*self.models.keys, *self.models.certificates):
            yield "models", path


class ModelFiles(Judged):
    """Model files in a folder or bucket."""

    target_kind: ClassVar = TargetKind.MODEL

    url: FolderUrl = Field(description="folder, or fsspec URL: s3://, gs://, abfs://")
    endpoint: WebUrl | None = Field(
        None, description="of an S3 that is not AWS; abfs://: https://ACCOUNT.blob.core.windows.net"
    )
    credential: SecretReference | None = Field(
        None,
        description="s3: ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]; gs: JSON of a service "
        "account's key; abfs: connection string",
    )
    layout: Literal["model", "versions", "models"] = Field(
        "versions", description="the folder is one model, has its versions, or has models in it"
    )

    @property
    def locator(self) -> str:
        """The folder or URL."""
        return self.url
