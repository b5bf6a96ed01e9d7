"""What an image archive holds, without unpacking it: its identity, its age, its layers."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from compline.source.archive import Archive, opened, read_small
from compline.source.errors import SourceError
from compline.source.registry import image_digest as image_digest
from compline.source.registry import pull_image as pull_image

_DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
_DEEPEST_INDEX = 3
_CHUNK = 1 << 20
_LARGEST_LAYER = 1 << 36
"""Bytes, unpacked; gzip can claim a thousand times its own size."""
_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image's identity and what its configuration says of it."""

    digest: str
    """`sha256:…` of the configuration (docker-archive) or of the manifest (OCI), computed here."""
    created: datetime | None
    """When it was built, as it says; None where it does not say."""
    layers: tuple[str, ...]
    """Digests of the unpacked layers, lowest first."""
    labels: Mapping[str, str]
    """What its builder wrote on it; hostile text."""


class _DockerImage(BaseModel):
    """An item of a docker-archive's manifest.json (Docker Image Specification v1.2)."""

    config: str = Field(alias="Config")
    layers: list[str] = Field(alias="Layers")


class _Descriptor(BaseModel):
    """OCI image specification 1.1, descriptor.md."""

    digest: str
    media_type: str = Field("", alias="mediaType")
    platform: dict[str, Any] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class _Index(BaseModel):
    """OCI image specification 1.1, image-index.md."""

    manifests: list[_Descriptor]


class _Manifest(BaseModel):
    """OCI image specification 1.1, manifest.md."""

    config: _Descriptor
    layers: list[_Descriptor]


class _RootFs(BaseModel):
    diff_ids: list[str]


class _Configuration(BaseModel):
    """OCI image specification 1.1, config.md; Docker's is the same in these fields."""

    rootfs: _RootFs
    created: Any = None
    config: Any = None


_T = TypeVar("_T")


def open_image(archive: Path, *, verify: bool = True) -> ImageFacts:
    """Reads a docker-archive, an OCI archive (both plain tar) or an OCI layout directory.

    `verify` hashes the layers too (about 0.4 GB/s): without it the digest says only what the
    archive claims to be, which is enough while the file has not changed since it was verified.

    Raises:
        SourceError: not such an archive, not whole, altered, or with several images in it.
    """
    with opened(archive) as content:
        if content.has("manifest.json"):
            return _docker(content, archive, verify=verify)
        if content.has("oci-layout") and content.has("index.json"):
            return _oci(content, archive, verify=verify)
    raise SourceError(
        f"{archive} is no image archive: it has neither manifest.json (docker-archive) nor "
        "oci-layout and index.json (OCI)"
    )


def _docker(content: Archive, archive: Path, *, verify: bool) -> ImageFacts:
    images = _parsed(list[_DockerImage], read_small(content, "manifest.json"), archive)
    if len(images) != 1:
        raise SourceError(f"{archive} holds {len(images)} images: save each into its own archive")
    raw = read_small(content, images[0].config)
    configuration = _parsed(_Configuration, raw, archive)
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    claimed = re.search(r"[0-9a-f]{64}", images[0].config)
    if claimed and claimed[0] != digest[7:]:
        raise SourceError(f"{archive}: its configuration was altered or damaged; save it anew")
    names, diff_ids = images[0].layers, configuration.rootfs.diff_ids
    if len(names) != len(diff_ids):
        raise SourceError(f"{archive}: {len(names)} layers, but {len(diff_ids)} in its description")
    if verify:
        for name, diff_id in set(zip(names, diff_ids, strict=True)):
            if not _is_layer(content, name, diff_id):
                raise SourceError(f"{archive}: layer {name} was altered or damaged; save it anew")
    return ImageFacts(digest, _created(configuration), tuple(diff_ids), _labels(configuration))


def _oci(content: Archive, archive: Path, *, verify: bool) -> ImageFacts:
    chosen = _the_manifest(content, archive)
    manifest = _parsed(_Manifest, _blob(content, chosen.digest, archive), archive)
    configuration = _parsed(
        _Configuration, _blob(content, manifest.config.digest, archive), archive
    )
    if verify:
        for digest in {layer.digest for layer in manifest.layers}:
            if _hash(content, _place(digest), digest) != digest:
                raise SourceError(f"{archive}: layer {digest} was altered or damaged; save it anew")
    layers = tuple(configuration.rootfs.diff_ids)
    return ImageFacts(chosen.digest, _created(configuration), layers, _labels(configuration))


def _the_manifest(content: Archive, archive: Path) -> _Descriptor:
    raw = read_small(content, "index.json")
    for _ in range(_DEEPEST_INDEX):
        index = _parsed(_Index, raw, archive)
        images = [entry for entry in index.manifests if not _is_attestation(entry)]
        if len(images) != 1:
            raise SourceError(
                f"{archive} holds {len(images)} images (tags or platforms): copy the one that is "
                "meant with `skopeo copy --override-arch ARCH`"
            )
        if images[0].media_type not in _INDEXES:
            return images[0]
        raw = _blob(content, images[0].digest, archive)
    raise SourceError(f"{archive}: an index within an index within an index")


def _is_attestation(entry: _Descriptor) -> bool:
    """Build records that buildx stores beside an image."""
    return "vnd.docker.reference.type" in entry.annotations


def _blob(content: Archive, digest: str, archive: Path) -> bytes:
    raw = read_small(content, _place(digest))
    if f"{digest.partition(':')[0]}:{_algorithm(digest, raw).hexdigest()}" != digest:
        raise SourceError(f"{archive}: {digest} was altered or damaged; save it anew")
    return raw


def _place(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise SourceError(f"{digest[:80]!a} in the archive is not a digest")
    return "blobs/" + digest.replace(":", "/")


def _algorithm(digest: str, content: bytes = b"") -> Any:
    if not _DIGEST.fullmatch(digest):
        raise SourceError(f"{digest[:80]!a} in the archive is not a digest")
    return hashlib.new(digest.partition(":")[0], content)


def _is_layer(content: Archive, name: str, diff_id: str) -> bool:
    """Whether a docker-archive's layer, packed or not, has this digest when unpacked."""
    return _hash(content, name, diff_id) == diff_id or (
        _hash_unpacked(content, name, diff_id) == diff_id
    )


def _hash(content: Archive, name: str, like: str) -> str:
    """The digest of a file, by the same hash function as `like`."""
    with content.open(name) as file:
        return _hash_of(file, like)


def _hash_unpacked(content: Archive, name: str, like: str) -> str:
    """The same of what a gzip file holds; empty where it is none."""
    with content.open(name) as file, gzip.GzipFile(fileobj=file) as unpacked:
        try:
            return _hash_of(unpacked, like)
        except (EOFError, OSError, zlib.error):
            return ""


def _hash_of(file: BinaryIO | gzip.GzipFile, like: str) -> str:
    hasher = _algorithm(like)
    size = 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > _LARGEST_LAYER:
            raise SourceError(f"a layer of more than {_LARGEST_LAYER >> 30} GB is not read")
        hasher.update(chunk)
    return f"{hasher.name}:{hasher.hexdigest()}"


def _parsed(kind: type[_T], raw: bytes, archive: Path) -> _T:
    try:
        return TypeAdapter(kind).validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SourceError(
            f"{archive} holds no container image that can be read: {place} {first['msg']}"
        ) from None


def _created(configuration: _Configuration) -> datetime | None:
    try:
        created = TypeAdapter(datetime).validate_python(configuration.created)
    except ValidationError:
        return None
    # Go's zero time stands for "not said".
    if created.year <= 1:
        return None
    return created.astimezone(UTC) if created.tzinfo else created.replace(tzinfo=UTC)


def _labels(configuration: _Configuration) -> dict[str, str]:
    held = configuration.config
    labels = held.get("Labels") if isinstance(held, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {key: value for key, value in labels.items() if isinstance(value, str)}
