"""Model files as values, and what every place that holds them can do: list, and read in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from compline.model import Gap, GapReason, Place


class CannotList(Exception):
    """The place could not be asked, or not to the end; nobody may read it as "no models"."""


class Unreadable(Exception):
    """One file could not be read to its end."""

    def __init__(self, reason: GapReason, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Readable(Protocol):
    """A stream of bytes; nothing more is asked of it."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end. Raises OSError or `Unreadable`."""
        ...


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a model, of a repository or of an image."""

    path: str
    """Within its version, or in the tree."""
    size: int
    model: str = ""
    version: str = ""
    validator: str = ""
    """What the storage says of this content (ETag, version id, size and times); another one
    means that it may have changed."""
    weak: bool = False
    """Whether content may change without the validator changing (nothing but a size)."""
    content: str = ""
    """Name of the content where the place itself addresses by it (git's object id): then it
    need not be read to be known."""
    where: str = ""
    """The source's own way to it, without a credential."""

    @property
    def place(self) -> str:
        """Model, version and path as one path (`fraud/3/model.pkl`): what findings, gaps and facts
        are about. Another content under the same path is the same place."""
        return "/".join(part for part in (self.model, self.version, self.path) if part)

    def as_place(self) -> Place:
        """Where an observation about it stands."""
        return Place(self.place, blob="" if self.model else self.content)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a model, as its registry tells of it."""

    name: str
    origin: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Where it comes from: of `run`, `commit`, `dataset`, `licence` what is known."""
    draft: bool = False
    """Whether it is made to be changed, so that nobody is told that its files did."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model with its versions, oldest first."""

    name: str
    versions: tuple[Version, ...]
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Alias or stage to the version that it points to."""
    served: str | None = None
    """The version that production serves; None where nobody says."""


def alias_of(model: str) -> str:
    """What is said about which version production serves (`fraud@production`)."""
    return f"{model}@production"


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a place holds now."""

    artifacts: tuple[Artifact, ...]
    gaps: tuple[Gap, ...] = ()
    models: tuple[Model, ...] = ()
    """Of registries and folders of models; empty for repositories and images."""


class Source(Protocol):
    """A place that holds model files. Nothing is ever written to it."""

    def listing(self) -> Listing:
        """What is there.

        Raises:
            CannotList: it did not answer, or not to the end.
        """
        ...

    def read(self, wanted: Sequence[Artifact]) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
        """Each wanted file once, in the order that suits the place.

        A stream is good until the next one is asked for; what is not read of it is left out.

        Raises:
            CannotList: the place does not answer any more.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
