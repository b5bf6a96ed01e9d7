"""An image of a few kilobytes with known defects, and packages planted into lists of packages."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compline.advisories.trivydb import TrivyDatabase
from compline.model import MISSED_CANARY
from compline.scanners.trivy.canary import CANARY_LICENCE, CANARY_PACKAGE, canary_files, check_tree
from compline.scanners.trivy.command import TrivyFailed

OS_CANARY = "canary os"
"""The `bom-ref` of the planted package of the operating system."""
_SOURCES = {
    "debian": "debian {major}",
    "ubuntu": "ubuntu {minor}",
    "alpine": "alpine {minor}",
    "amazon": "amazon linux {major}",
    "rocky": "rocky {major}",
    "alma": "alma {major}",
    "oracle": "Oracle Linux {major}",
    "redhat": "Red Hat",
    "centos": "Red Hat",
    "photon": "Photon OS {minor}",
    "cbl-mariner": "CBL-Mariner {minor}",
    "azurelinux": "Azure Linux {minor}",
    "opensuse-leap": "openSUSE Leap {minor}",
    "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "sles": "SUSE Linux Enterprise {minor}",
    "suse linux enterprise server": "SUSE Linux Enterprise {minor}",
    "wolfi": "wolfi",
    "chainguard": "chainguard",
}
"""What the database calls an operating system's advisories, by trivy's name of it."""
_PACKED = {"debian": "deb", "ubuntu": "deb", "alpine": "apk", "wolfi": "apk", "chainguard": "apk"}


def source_of(family: str, version: str, database: TrivyDatabase) -> str:
    """The database's source for an operating system; empty if it has none.

    Without one trivy finds nothing in any package, and says nothing of it.
    """
    parts = re.findall(r"\d+", version)
    names = {"major": ".".join(parts[:1]), "minor": ".".join(parts[:2])}
    name = _SOURCES.get(family, "").format(**names)
    return name if name and name in database.sources else ""


def os_canary(
    family: str, version: str, source: str, database: TrivyDatabase
) -> dict[str, Any] | None:
    """A component of the operating system that the database surely knows to be vulnerable.

    None where the system's packages are told apart by more than name and version.
    """
    if family not in _PACKED:
        return None
    kind = _PACKED[family]
    for entry in database.advisories(source):
        if entry.fixed:
            properties = (("PkgType", family), ("SrcName", entry.package), ("SrcVersion", "0"))
            return {
                "bom-ref": OS_CANARY,
                "type": "library",
                "name": entry.package,
                "version": "0",
                "purl": f"pkg:{kind}/{family}/{entry.package}@0?distro={family}-{version}",
                "properties": [
                    {"name": f"aquasecurity:trivy:{name}", "value": value}
                    for name, value in properties
                ],
            }
    return None


def write_canary_image(path: Path) -> None:
    """Writes an archive with one defect for each family that is looked for."""
    files = {f"app/{name}": text for name, text in canary_files().items()}
    # A comment in a layer cannot be blunted; lists of packages are those of what is installed.
    files["app/Dockerfile"] = "FROM debian:12\nUSER root\n"
    files[f"app/node_modules/{CANARY_PACKAGE}/package.json"] = json.dumps(
        {"name": CANARY_PACKAGE, "version": "1.0.0", "license": CANARY_LICENCE}
    )
    layer = _tar({name: text.encode() for name, text in files.items()})
    diff_id = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-01-01T00:00:00Z",
            "config": {"User": "app"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "COPY . /app"}],
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": ["canary:1"], "Layers": [f"{diff_id}.tar"]}]
    members = {"manifest.json": json.dumps(manifest).encode(), name: config}
    path.write_bytes(_tar({**members, f"{diff_id}.tar": layer}))


def check_image(results: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> None:
    """Makes sure that all that the canary image holds was found.

    Raises:
        CanaryMissed: something was not found.
    """
    check_tree(
        [
            {**result, "Target": str(result.get("Target", "")).lstrip("/").removeprefix("app/")}
            for result in results
        ],
        kinds,
    )


def check_os_canary(found: Mapping[str, Any], planted: Mapping[str, Any] | None) -> None:
    """Makes sure that the planted package of the operating system was found vulnerable.

    Raises:
        TrivyFailed: it was not.
    """
    if planted is not None and not found.get(OS_CANARY):
        raise TrivyFailed(
            f"trivy {MISSED_CANARY}: {planted['name']} 0 is vulnerable by its database, and it "
            "reported nothing; run `compline tools check trivy`"
        )


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
