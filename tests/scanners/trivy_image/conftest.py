"""Images built in memory, as docker-archive or as OCI layout in a tar file; a first night."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from trivy_images import ALPINE, DEBIAN, GONE, NEWER, TOKEN

from compline.model import Look, Target, TargetKind
from compline.scanners.interface import Job
from compline.scanners.trivy import command
from compline.scanners.trivy.image_scanner import TrivyImage
from compline.source.images import open_image

Files = Mapping[str, str | bytes]


def packed(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Images:
    """Writes archives into a directory."""

    home: Path

    def docker(self, name: str, layers: Sequence[Files | bytes], **config: Any) -> Path:
        blobs = [each if isinstance(each, bytes) else packed(each) for each in layers]
        raw = self._config(blobs, config)
        members: dict[str, bytes] = {f"{digest(raw)}.json": raw}
        names = []
        for blob in blobs:
            names.append(f"{digest(blob)}.tar")
            members[names[-1]] = blob
        manifest = [{"Config": f"{digest(raw)}.json", "RepoTags": ["shop:1"], "Layers": names}]
        path = self.home / f"{name}.tar"
        path.write_bytes(packed({"manifest.json": json.dumps(manifest), **members}))
        return path

    def oci(self, name: str, layers: Sequence[Files], **config: Any) -> Path:
        plain = [packed(each) for each in layers]
        zipped = [gzip.compress(each, mtime=0) for each in plain]
        raw = self._config(plain, config)
        media = "application/vnd.oci.image"
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{media}.manifest.v1+json",
            "config": self._descriptor(raw, f"{media}.config.v1+json"),
            "layers": [self._descriptor(each, f"{media}.layer.v1.tar+gzip") for each in zipped],
        }
        body = json.dumps(manifest).encode()
        index = {
            "schemaVersion": 2,
            "manifests": [self._descriptor(body, f"{media}.manifest.v1+json")],
        }
        members = {"oci-layout": '{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index)}
        blobs = {f"blobs/sha256/{digest(each)}": each for each in (body, raw, *zipped)}
        path = self.home / f"{name}.oci.tar"
        path.write_bytes(packed({**members, **blobs}))
        return path

    @staticmethod
    def _descriptor(content: bytes, media: str) -> dict[str, Any]:
        return {"mediaType": media, "digest": f"sha256:{digest(content)}", "size": len(content)}

    @staticmethod
    def _config(blobs: Sequence[bytes], config: Mapping[str, Any]) -> bytes:
        created = config.get("created", "2025-12-01T00:00:00Z")
        value = {
            "architecture": "amd64",
            "os": "linux",
            "created": created,
            "config": {"User": config.get("user", "app"), "Env": list(config.get("env", ()))},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(each)}" for each in blobs]},
            "history": [
                {"created": created, "created_by": "/bin/sh -c #(nop) ADD file:x in / "}
                for _ in blobs
            ],
        }
        if created is None:
            del value["created"]
        return json.dumps(value).encode()

    def job(self, archive: Path, name: str = "", *, fresh: bool = False) -> Job:
        target = Target(TargetKind.IMAGE, name or archive.name.partition(".")[0], str(archive))
        revision = open_image(archive, verify=False).digest
        return Job(target, revision, open_archive=lambda: archive, fresh=fresh)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def toolbox(tools: Any) -> Any:
    return tools("trivy")


@pytest.fixture(scope="session")
def shop(images: Any) -> Path:
    path: Path = images.docker(
        "shop", [DEBIAN, GONE], user="", created="2024-01-15T00:00:00Z", env=[f"TOKEN={TOKEN}"]
    )
    return path


@pytest.fixture(scope="session")
def night(new_scene: Any, toolbox: Any, images: Any, shop: Path) -> tuple[Any, dict[str, Look]]:
    """A first night over three images, one of them an OCI layout in a tar file."""
    scene = new_scene()
    archives = [
        shop,
        images.docker("newer", [NEWER], created=None),
        images.oci("alpine", [ALPINE]),
    ]
    jobs = [images.job(archive) for archive in archives]
    looks = TrivyImage().scan(jobs, scene.context(toolbox))
    return scene, {look.target: look for look in looks}


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    started: list[str] = []
    run = command.run

    def counted(argv: Any, **options: Any) -> Any:
        started.append(str(argv[1]))
        return run(argv, **options)

    monkeypatch.setattr(command, "run", counted)
    return started
