"""Trivy's database out of a mirror of its registry, by trivy itself."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import httpx
from typer.testing import CliRunner

from compline.advisories.osv import BUNDLED
from compline.cli.main import app

if TYPE_CHECKING:
    from conftest import Demo

LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
CONFIG = "application/vnd.aquasec.trivy.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def blob(registry: str, media_type: str, content: bytes) -> dict[str, Any]:
    """Uploads a blob (OCI distribution specification 1.1, "Push"); its descriptor."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    begun = httpx.post(f"http://{registry}/v2/mirror/trivy-db/blobs/uploads/").raise_for_status()
    where = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": digest})
    httpx.put(where, content=content).raise_for_status()
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def push_database(registry: str) -> None:
    """The bundled database as the artifact that trivy publishes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (
            ("trivy.db", gzip.decompress((BUNDLED / "trivy.db.gz").read_bytes())),
            ("metadata.json", (BUNDLED / "trivy-metadata.json").read_bytes()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    layer = blob(registry, LAYER, packed.getvalue())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(registry, CONFIG, b"{}"),
        "layers": [{**layer, "annotations": {"org.opencontainers.image.title": "db.tar.gz"}}],
    }
    httpx.put(
        f"http://{registry}/v2/mirror/trivy-db/manifests/2",
        content=json.dumps(manifest),
        headers={"Content-Type": MANIFEST},
    ).raise_for_status()


def scan(demo: Demo) -> list[dict[str, Any]]:
    """The image's and the trees' looks by trivy."""
    runner = CliRunner()
    runner.invoke(app, ["scan", "--config", str(demo.config), "--scanner", "trivy-image"])
    shown = runner.invoke(app, ["coverage", "--config", str(demo.config), "--format", "json"])
    rows: list[dict[str, Any]] = json.loads(shown.stdout)
    return rows


def test_a_database_out_of_a_mirror(demo: Demo, registry: str) -> None:
    def mirrored(raw: dict[str, Any]) -> None:
        raw["advisories"]["trivy_db"] = f"oci://{registry}/mirror/trivy-db:2"

    demo.change(mirrored)
    [missing] = scan(demo)
    assert missing["outcome"] == "failed"
    assert "mirror/trivy-db" in missing["reason"] or "database" in missing["reason"]

    push_database(registry)
    [row] = scan(demo)
    assert row["outcome"] == "completed", row
    assert row["advisory_date"] == "2024-10-10"
    assert any("stale advisories" in warning for warning in row["warnings"])
    listed = CliRunner().invoke(
        app, ["findings", "--config", str(demo.config), "--scanner", "trivy-image", "-f", "json"]
    )
    assert any(one["kind"] == "dependency" for one in json.loads(listed.stdout))
