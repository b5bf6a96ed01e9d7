"""An image's labels: what it was built from (OCI image specification 1.1, annotations.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compline.model import Link
from compline.scanners.lineage.known import KnownAssets

_SOURCE = "org.opencontainers.image.source"
_BASE = "org.opencontainers.image.base.name"
_MODEL = "compline.model"
"""Of our own: the model in the image, `NAME` or `NAME/VERSION`."""


def links(image: str, labels: Mapping[str, str], known: KnownAssets) -> Iterator[Link]:
    """What the labels of the image target of that name say."""
    own = f"image/{image}"
    repository = known.repository(labels.get(_SOURCE, ""))
    if repository:
        yield Link(repository, own, "is built into")
    base = known.image(labels.get(_BASE, ""))
    if base and base != own:
        yield Link(base, own, "is the base of")
    if labels.get(_MODEL):
        yield Link(f"model/{labels[_MODEL]}", own, "is packed into")
