"""Known defects that are planted in whatever trivy is given, one for each thing it looks for."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compline.model import MISSED_CANARY
from compline.scanners.trivy.command import TrivyFailed
from compline.scanners.trivy.comments import blunt

CANARY_LICENCE = "AGPL-3.0-only"
CANARY_PACKAGE = "compline-canary"


class CanaryMissed(TrivyFailed):
    """Trivy ended well and did not find what was planted: nothing that it says can be believed."""


def canary_secret() -> str:
    """The shape of a token, put together here, lest this file be found by secret scanners."""
    return "ghp_" + "c4N4rYc0mPl1N3" * 2 + "0123Abcd"


def canary_files() -> Mapping[str, str]:
    """Files with one defect each, in places that trivy by itself would not look into."""
    lock = {
        "name": "canary",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "canary", "version": "1.0.0"},
            f"node_modules/{CANARY_PACKAGE}": {"version": "1.0.0", "license": CANARY_LICENCE},
        },
    }
    return {
        # Ignored but for the blunting of such comments.
        "Dockerfile": "FROM debian:12\n# trivy:ignore:*\nUSER root\n",
        "tests/canary.md": f'token = "{canary_secret()}"\n',
        "canary.svg": f'token = "{canary_secret()}"\n',
        "package-lock.json": json.dumps(lock),
    }


def plant_tree(root: Path) -> str:
    """Plants a tree below the root; gives the name of its directory."""
    tag = secrets.token_hex(8)
    for path, text in canary_files().items():
        file = root / tag / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    blunt(root / tag, canary_files())
    return tag


def check_tree(results: Sequence[Mapping[str, Any]], kinds: Sequence[str]) -> None:
    """Makes sure that all that was planted was found.

    Args:
        results: of the planted tree, paths from its root.
        kinds: the families that were looked for, named as in the configuration.

    Raises:
        CanaryMissed: something was not found.
    """
    checks = {
        "vuln": any(
            entry.get("Name") == CANARY_PACKAGE
            for result in results
            for entry in result.get("Packages") or ()
        ),
        "misconfig": any(
            result["Target"] == "Dockerfile" and _has(result, "Misconfigurations", "002")
            for result in results
        ),
        "secret": {"tests/canary.md", "canary.svg"}
        <= {result["Target"] for result in results if result.get("Secrets")},
        "license": any(_has(result, "Licenses", CANARY_LICENCE) for result in results),
    }
    missed = [kind for kind in kinds if not checks[kind]]
    if missed:
        raise CanaryMissed(
            f"trivy {MISSED_CANARY} ({', '.join(missed)}): it did not report a defect that was "
            "planted; run `compline tools check trivy`, or use the trivy that Compline installs"
        )


def _has(result: Mapping[str, Any], part: str, ending: str) -> bool:
    return any(
        str(entry.get("ID") or entry.get("Name") or "").endswith(ending)
        for entry in result.get(part) or ()
    )
