"""Data stores: one class per kind, with what its collector needs to find it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from compline.config.fields import LocalPath, Section
from compline.config.secrets import SecretReference
from compline.config.targets.listed import Listed
from compline.model import TargetKind


class Inventoried(Listed):
    """Whatever is judged by a suite of expectations over an inventory of it."""

    suite: LocalPath | None = Field(None, description="own expectations; default: the kind's suite")
    policy: dict[str, Any] = Field(
        default_factory=dict, description="what is allowed, as the suite's `parameters` declare it"
    )

    @property
    def inventory(self) -> str:
        """The kind of inventory, which names collector, suite and canary."""
        return str(getattr(self, "kind", self.target_kind.value))


class Content(Section):
    """What columns hold: opt-in, sampled, counted, never kept."""

    tables: list[str] = Field(
        default_factory=list, description="patterns of schema.table to sample; files need none"
    )
    columns: dict[str, Literal["encrypted", "hashed", "pseudonymised", "personal", "plain"]] = (
        Field(
            default_factory=dict,
            description="patterns of columns, schema.table.column, to what is so",
        )
    )
    rows: int = Field(1000, ge=50, le=100_000, description="most rows of one table")
    least_percent: float = Field(5, gt=0, le=100, description="share that makes a sighting")
    least_distinct_percent: float = Field(
        5,
        ge=0,
        le=100,
        description="fewer different values in what is encrypted or hashed: guessed",
    )


class Store(Inventoried):
    """A store whose encryption and access are checked by expectations."""

    target_kind: ClassVar = TargetKind.DATA_STORE


class Postgresql(Store):
    """A PostgreSQL server."""

    kind: Literal["postgresql"]
    url: SecretReference = Field(description="connection URL")
    content: Content | None = Field(None, description="look into columns too; needs SELECT on them")

    @property
    def locator(self) -> str:
        """The reference to its URL, which holds the password."""
        return self.url


class Kafka(Store):
    """A Kafka cluster."""

    kind: Literal["kafka"]
    url: SecretReference = Field(description="kafkas://user:password@host:port?mechanism=...")

    @property
    def locator(self) -> str:
        """The reference to its URL, which holds the password."""
        return self.url


class Redis(Store):
    """A Redis server; one entry per node of a cluster."""

    kind: Literal["redis"]
    url: SecretReference = Field(description="connection URL: rediss://user:password@host:port")

    @property
    def locator(self) -> str:
        """The reference to its URL, which holds the password."""
        return self.url


class InventoryFile(Store):
    """A file that another tool exports."""

    kind: Literal["inventory"]
    path: LocalPath = Field(description="CSV, JSON, JSON lines or Parquet")
    columns: dict[str, Literal["string", "integer", "number", "boolean", "datetime"]] = Field(
        default_factory=dict, description="declared schema of the file"
    )

    @property
    def locator(self) -> str:
        """Its path."""
        return str(self.path)


class Dataset(Store):
    """A CSV or Parquet file of data, whose columns are looked into."""

    kind: Literal["dataset"]
    path: LocalPath = Field(description="a .csv or .parquet file")
    content: Content = Field(default_factory=Content)

    @property
    def inventory(self) -> str:
        """Only its content is judged."""
        return "content"

    @property
    def locator(self) -> str:
        """Its path."""
        return str(self.path)


DataStore = Annotated[
    Postgresql | Kafka | Redis | InventoryFile | Dataset, Field(discriminator="kind")
]
