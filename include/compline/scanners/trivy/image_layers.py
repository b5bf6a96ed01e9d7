"""An image archive for trivy and for us: in a shape that trivy takes, and its files by layer.

Whether the archive is whole and holds one image, `compline.source.images` has made sure of.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import Any

from compline.source.archive import Archive, opened, read_small
from compline.source.errors import SourceError

_DIGEST = re.compile(r"sha(256|512):[0-9a-f]{64,128}")
_LARGEST_FILE = 64 << 20
"""Of a file that is read for a secret in it."""
_MOST_BYTES = 1 << 36
"""Of a layer when unpacked."""
_JAVA = (".jar", ".war", ".ear", ".par")
_PACKAGE_DATABASES = (
    *("var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed"),
    *("var/lib/rpm/Packages", "var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"),
)


@dataclass(frozen=True)
class Contents:
    """What was looked for in the layers."""

    files: Mapping[tuple[str, str], bytes]
    """By layer (digest when unpacked) and path; those that were wanted and could be read."""
    java: int
    """Java archives."""
    package_database: bool
    """Whether there is a list of an operating system's packages."""
    unread: int
    """Layers that could not be read by us: packed in another way, or damaged."""


def config_of(archive: Path) -> dict[str, Any]:
    """The image's configuration.

    Raises:
        SourceError: it cannot be read.
    """
    with opened(archive) as content:
        return _json(read_small(content, _parts(content).config))


def for_trivy(archive: Path, directory: Path) -> Path:
    """The archive itself, or what trivy takes in its place.

    Trivy reads archives of docker's and directories of OCI's; an OCI layout in a tar file it
    refuses, so that is laid out in the directory, only the files that belong to the image.

    Raises:
        SourceError: it cannot be read or laid out.
    """
    if archive.is_dir():
        return archive.absolute()
    with opened(archive) as content:
        if content.has("manifest.json"):
            return archive.absolute()
        parts = _parts(content)
        try:
            for name in {parts.manifest, parts.config, *(name for _, name in parts.layers)}:
                place = directory / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with content.open(name) as source, place.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
            (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
            index = {"schemaVersion": 2, "manifests": [parts.descriptor]}
            (directory / "index.json").write_text(json.dumps(index))
        except OSError as error:
            raise SourceError(f"the image cannot be laid out: {error.strerror}") from error
    return directory


def look_into(archive: Path, wanted: Collection[tuple[str, str]]) -> Contents:
    """Walks through all layers once; nothing is unpacked to disk.

    Args:
        archive: the image.
        wanted: layer and path of files to be read.

    Raises:
        SourceError: the archive cannot be read.
    """
    files: dict[tuple[str, str], bytes] = {}
    java, database, unread = 0, False, 0
    with opened(archive) as content:
        for layer, name in _parts(content).layers:
            paths = {path for where, path in wanted if where == layer}
            try:
                with content.open(name) as packed:
                    found = _walk(packed, paths)
            except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError):
                unread += 1
                continue
            files |= {(layer, path): data for path, data in found.files.items()}
            java += found.java
            database = database or found.package_database
    return Contents(files, java, database, unread)


def layers_of(content: Archive) -> list[tuple[str, str]]:
    """Digest when unpacked, and name in the archive, of each layer, lowest first.

    Raises:
        SourceError: the archive cannot be read.
    """
    return _parts(content).layers


@dataclass
class _Walked:
    files: dict[str, bytes]
    java: int = 0
    package_database: bool = False


def _walk(packed: Any, wanted: Collection[str]) -> _Walked:
    walked = _Walked({})
    left = _MOST_BYTES
    with tarfile.open(fileobj=packed, mode="r|*") as layer:
        for member in layer:
            left -= max(member.size, 0) + 512
            if left < 0:
                raise ValueError("the layer is too large")
            path = normpath(member.name).lstrip("/")
            walked.java += member.isreg() and path.lower().endswith(_JAVA)
            if path in _PACKAGE_DATABASES or path.startswith("var/lib/dpkg/status.d/"):
                walked.package_database = True
            if path in wanted and member.isreg() and member.size <= _LARGEST_FILE:
                file = layer.extractfile(member)
                if file is not None:
                    walked.files[path] = file.read(_LARGEST_FILE)
    return walked


@dataclass(frozen=True)
class _Parts:
    """Names of the archive's members."""

    config: str
    layers: list[tuple[str, str]]
    """Digest when unpacked, and name, lowest first."""
    manifest: str = ""
    descriptor: Mapping[str, Any] | None = None


def _parts(content: Archive) -> _Parts:
    try:
        if content.has("manifest.json"):
            (image,) = json.loads(read_small(content, "manifest.json"))
            config, names, manifest, descriptor = image["Config"], image["Layers"], "", None
        else:
            descriptor = _image_in(content, "index.json")
            manifest = _blob(descriptor)
            value = _json(read_small(content, manifest))
            config, names = _blob(value["config"]), [_blob(layer) for layer in value["layers"]]
        diff_ids = _json(read_small(content, config))["rootfs"]["diff_ids"]
        layers = list(zip(map(str, diff_ids), names, strict=True))
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError("the image archive is not whole: save it anew") from error
    return _Parts(config, layers, manifest, descriptor)


def _image_in(content: Archive, index: str, depth: int = 0) -> Mapping[str, Any]:
    """The one image of an index; what buildx stores beside it is none."""
    (entry,) = (
        each
        for each in _json(read_small(content, index))["manifests"]
        if "vnd.docker.reference.type" not in (each.get("annotations") or {})
    )
    if depth < 3 and "manifests" in _json(read_small(content, _blob(entry))):
        return _image_in(content, _blob(entry), depth + 1)
    return dict(entry)


def _blob(descriptor: Mapping[str, Any]) -> str:
    digest = str(descriptor["digest"])
    if not _DIGEST.fullmatch(digest):
        raise ValueError("no digest")
    return "blobs/" + digest.replace(":", "/")


def _json(raw: bytes) -> dict[str, Any]:
    value = json.loads(raw)
    if not isinstance(value, dict):
        raise SourceError("the image archive is not whole: save it anew")
    return value
