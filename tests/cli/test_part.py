"""`compline part`, and `compline config rotate-key`, as a person types them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from compline.config.loader import load_config
from compline.config.secrets import SecretResolver
from compline.model import Completed, Confidence, FindingKind, Look, Observation, Place, Severity
from compline.pipeline.session import open_session
from compline.store.record import record
from compline.store.runs import start_run
from compline.store.targets import sync_targets
from compline.targets.listed import Listed

T0 = datetime(2025, 1, 1, tzinfo=UTC)


def advisory(scanner: str, rule: str, *aliases: str) -> Observation:
    return Observation(
        scanner,
        rule,
        FindingKind.DEPENDENCY,
        Severity.HIGH,
        Confidence.HIGH,
        f"jinja2: {rule}",
        Place("requirements.txt"),
        "pypi:jinja2",
        aliases=tuple(sorted({rule, *aliases})),
    )


def merged(config: Path) -> tuple[str, str]:
    """(older, younger) that an alias has joined on the third night."""
    loaded = load_config(config)
    with open_session(loaded, SecretResolver(os.environ), lambda _: None) as session:
        sync_targets(session.store, Listed().discover(loaded), T0)
        opened: list[str] = []
        for night, said in enumerate(
            (
                advisory("pip-audit", "GHSA-1"),
                advisory("trivy", "CVE-1"),
                advisory("pip-audit", "GHSA-1", "CVE-1"),
            )
        ):
            at = T0 + timedelta(days=night)
            run = start_run(session.store, "nightly", at, key=f"night {night}")
            look = Look("web", said.scanner, Completed((said,)), revision="c1")
            opened += record(session.store, run, "web", [look], looked_at=at, now=at).opened
    older, younger = opened
    return older, younger


def test_what_was_merged_by_mistake_is_parted(site: Any) -> None:
    older, younger = merged(site.config)
    [shown] = site.json("findings", younger, "--format", "json")
    assert shown["id"] == older
    assert [w["scanner"] for w in shown["witnesses"]] == ["pip-audit", "trivy"]
    assert [w["aliases"] for w in shown["witnesses"]] == [["CVE-1", "GHSA-1"], ["CVE-1"]]
    done = site.run("part", younger, "--by", "ada")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == (
        f"{younger} is a finding of its own again, with 1 witness; so is {older}"
    )
    assert {one["id"] for one in site.json("findings", "--format", "json")} == {older, younger}
    again = site.run("part", younger)
    assert again.exit_code == 2
    assert f"{younger} was not merged into another finding" in again.output
    assert site.run("part", "CMP-0").exit_code == 2


def test_a_key_is_rotated(site: Any) -> None:
    assert "0 former" not in site.run("config", "rotate-key").output
    done = site.run("config", "rotate-key")
    assert done.exit_code == 0, done.output
    assert "; 2 former" in done.output
    assert len((site.home / "work" / "secret.key").read_text().split()) == 3
    site.write(secrets={"key": "env:COMPLINE_KEY"})
    refused = site.run("config", "rotate-key")
    assert refused.exit_code == 2
    assert "secrets.former" in refused.output
