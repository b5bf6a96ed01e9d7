"""Object stores: S3 and compatible, Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from compline.config.fields import LocalPath, Section, WebUrl
from compline.config.secrets import ReferenceOrAmbient
from compline.config.targets.stores import Store


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Class = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Bucket(Section):
    """One bucket (Azure: container) and what it holds."""

    name: str = Field(min_length=1, max_length=222, pattern=r"^[A-Za-z0-9$][A-Za-z0-9._-]*$")
    classification: Annotated[list[_Class], BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="model, audit, personal, training, ...: one word or a list; default: the "
        "bucket's own tag, label or metadata `classification`",
    )


class ObjectStore(Store):
    """What every object store has."""

    credential: ReferenceOrAmbient
    buckets: list[Bucket] = Field(
        default_factory=list, description="those to look at; default: all that the account lists"
    )


class S3(ObjectStore):
    """Amazon S3, or a store that speaks its protocol."""

    kind: Literal["s3"]
    credential: ReferenceOrAmbient = Field(
        description="ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN], or `ambient`: the machine's "
        "own identity (role, profile, environment)"
    )
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]+$")
    endpoint_url: WebUrl | None = Field(None, description="of a compatible store; default: AWS")
    kms_endpoint_url: WebUrl | None = Field(
        None, description="of a compatible store's key service; AWS needs none"
    )
    account: str = Field(
        "", pattern=r"^[A-Za-z0-9-]*$", description="the store's own account id; AWS tells it"
    )
    ca_file: LocalPath | None = Field(
        None, description="certificates that a store of one's own is trusted by"
    )

    @property
    def locator(self) -> str:
        """The endpoint, or AWS's region."""
        return self.endpoint_url or f"https://s3.{self.region}.amazonaws.com"


class Gcs(ObjectStore):
    """Google Cloud Storage."""

    kind: Literal["gcs"]
    credential: ReferenceOrAmbient = Field(
        description="JSON of a service account's key, or `ambient`: the machine's own identity"
    )
    project: str = Field(pattern=r"^[a-z0-9:.-]+$", description="id of the project")
    endpoint_url: WebUrl | None = Field(
        None, description="of a private endpoint or an emulator; default: Google's"
    )
    kms_endpoint_url: WebUrl | None = Field(
        None, description="Cloud KMS beside such an endpoint; Google's own is found without"
    )

    @property
    def locator(self) -> str:
        """The endpoint, with the project."""
        return f"{self.endpoint_url or 'https://storage.googleapis.com'}/{self.project}"


class AzureBlob(ObjectStore):
    """The blobs of one Azure storage account."""

    kind: Literal["azure-blob"]
    credential: ReferenceOrAmbient = Field(
        description="connection string, or JSON with tenant_id, client_id and client_secret of an "
        "application, or `ambient`: the machine's own identity"
    )
    account_url: WebUrl = Field(description="https://ACCOUNT.blob.core.windows.net")
    resource_id: str = Field(
        "",
        pattern=r"^(/subscriptions/[^/?#]+/resourceGroups/[^/?#]+/providers/Microsoft\.Storage/"
        r"storageAccounts/[^/?#]+)?$",
        description="the account's resource id, for what only Azure Resource Manager tells",
    )
    management_url: WebUrl = "https://management.azure.com"

    @property
    def locator(self) -> str:
        """The account's URL."""
        return self.account_url


CloudStore = Annotated[S3 | Gcs | AzureBlob, Field(discriminator="kind")]
