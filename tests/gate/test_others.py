"""What else a version stands on: its registry's permissions, its data, its source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from gated import Gated

from compline.demo.history import write_repository
from compline.model import (
    Completed,
    Confidence,
    Failed,
    FindingKind,
    Gap,
    GapReason,
    Look,
    Observation,
    Outcome,
    Place,
    ScanKey,
    Severity,
    canonical_json,
)
from compline.pipeline.session import Session
from compline.scanners import registry
from compline.scanners.interface import Job, ScanContext

REGISTRY = {"name": "models", "kind": "mlflow", "url": "https://mlflow.example.org"}
STORE = {"name": "lake", "kind": "inventory", "path": "lake.csv"}


class Said:
    """Stands for a scanner of a service, and says what it is given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds = registry.kinds(name)
        self.outcome: Outcome = Completed(())
        self.report: dict[str, Any] = {}

    def scan_key(self, _context: ScanContext) -> ScanKey:
        return ScanKey("said", "1")

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        for job in jobs:
            report = canonical_json({"scanner": self.name, **self.report})
            yield Look(
                job.target.name, self.name, self.outcome, job.revision or context.now.isoformat(),
                scan_key=self.scan_key(context), evidence=(context.evidence.put(report),),
            )  # fmt: skip


def found(rule: str, path: str, severity: Severity = Severity.HIGH) -> Completed:
    return Completed(
        (
            Observation(
                "x", rule, FindingKind.ACCESS, severity, Confidence.HIGH, f"{rule} it is",
                Place(path), subject=path,
            ),
        )
    )  # fmt: skip


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, Said]:
    names = ("model-guard", "registry-permissions", "data-expectations", "bandit", "pipeline-flows")
    placed = {name: Said(name) for name in names}
    real = registry.load
    monkeypatch.setattr(registry, "load", lambda name: placed.get(name) or real(name))
    known = {"judged_by_card": True, "signature": "good", "origin": {}, "formats": []}
    placed["model-guard"].report = {
        "models": [["fraud", {}, "1", ["1", "2"]]],
        "files": [["fraud/2/a", "sha256:1", "", ""]],
        "versions": [["fraud", "2", known]],
    }
    return placed


@pytest.fixture
def listed(gated: Gated, said: dict[str, Said]) -> Gated:
    """A registry, a repository and a data store; what links them, the test says."""
    assert said
    write_repository(gated.home / "train.git", [{"a.py": b"x = 1\n"}], ["one"])
    (gated.home / "lake.csv").write_text("a,b\n")
    gated.targets = {
        "models": [],
        "model_registries": [REGISTRY],
        "repositories": [{"name": "train", "url": f"file://{gated.home}/train.git"}],
        "data_stores": [STORE],
    }
    gated.enabled = tuple(said)
    return gated


def required(gated: Gated, *names: str) -> dict[str, str]:
    gated.gate = {"require": list(names), "max_age_hours": 48}
    decision, verdicts = gated.decide("fraud", "2", "--target", "models")
    reasons = {each["name"]: each["reason"] for each in decision["requirements"]}
    assert verdicts.pop("content") == "met", reasons
    return verdicts | {f"{name}, why": reasons[name] for name in names}


def observed(scanner: Said, completed: Completed) -> None:
    seen = tuple(replace(each, scanner=scanner.name) for each in completed.observations)
    scanner.outcome = replace(completed, observations=seen)


def test_permissions(listed: Gated, said: dict[str, Said]) -> None:
    scanner = said["registry-permissions"]
    assert required(listed, "permissions")["permissions"] == "met"
    for rule, path, verdict in (
        ("grant-beyond-policy", "grant/eve/registered_model/other", "met"),
        ("grant-beyond-policy", "grant/eve/registered_model/fraud", "breached"),
        ("grant-beyond-policy", "grant/eve/registered_model/*", "breached"),
        ("undeclared-admin", "user/eve", "breached"),
    ):
        observed(scanner, found(rule, path))
        assert required(listed, "permissions")["permissions"] == verdict, path
    observed(scanner, found("access-policy-undeclared", "policy/grants", Severity.LOW))
    assert required(listed, "permissions")["permissions"] == "unknown"
    scanner.outcome = Completed((), (Gap(GapReason.FORBIDDEN, "users"),))
    assert "forbidden" in required(listed, "permissions")["permissions, why"]
    scanner.outcome = Failed("403")
    verdicts = required(listed, "permissions")
    assert (verdicts["permissions"], "403" in verdicts["permissions, why"]) == ("unknown", True)


def link(source: str, destination: str) -> dict[str, str]:
    return {"from": source, "to": destination, "how": "trained"}


def test_data_and_source(listed: Gated, said: dict[str, Said]) -> None:
    verdicts = required(listed, "data", "source")
    assert {verdicts["data"], verdicts["source"]} == {"unknown"}
    assert "nothing says what data" in verdicts["data, why"]
    links = [link("repository/train", "model/fraud/2"), link("dataset/claims", "model/fraud")]
    listed.sections = {"links": links}
    verdicts = required(listed, "data", "source")
    assert "in which data store dataset/claims lies" in verdicts["data, why"]
    assert "never looked at" in verdicts["source, why"]
    links.append(link("data_store/lake", "dataset/claims"))
    assert listed.run("scan", "--quiet").exit_code in (0, 1)
    verdicts = required(listed, "data", "source")
    assert (verdicts["data"], verdicts["source"]) == ("met", "met"), verdicts

    observed(said["data-expectations"], found("open", "bucket/claims"))
    said["bandit"].outcome = Failed("it crashed")
    listed.run("scan", "--fresh", "--quiet")
    verdicts = required(listed, "data", "source")
    assert (verdicts["data"], verdicts["source"]) == ("breached", "unknown")
    assert "it crashed" in verdicts["source, why"]

    said["data-expectations"].outcome = Completed((), (Gap(GapReason.FORBIDDEN, "b/"),))
    observed(said["bandit"], found("B602", "a.py"))
    done = listed.run("scan", "--fresh")
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    verdicts = required(listed, "data", "source")
    assert verdicts["source"] == "breached", verdicts

    links[0]["to"] = "model/fraud/1"
    links.append({"from": "model/fraud/1", "to": "model/fraud", "how": "is served as"})
    verdicts = required(listed, "source")
    assert "nothing says which repository" in verdicts["source, why"], "it made another version"


def test_the_pipeline_that_made_the_data_counts(listed: Gated, said: dict[str, Said]) -> None:
    hop = {"dataset": "claims", "store": "lake", "direction": "write"}
    listed.targets["pipelines"] = [{"name": "features", "flow": {"hops": [hop]}}]
    links = [
        link("data_store/lake", "dataset/claims"),
        link("pipeline/features", "dataset/claims"),
        link("dataset/claims", "model/fraud/2"),
    ]
    listed.sections = {"links": links}
    listed.run("scan", "--quiet")
    assert required(listed, "data")["data"] == "met"
    observed(said["pipeline-flows"], found("hop-unencrypted", "hop/claims"))
    listed.run("scan", "--quiet")
    assert required(listed, "data")["data"] == "breached"


def test_an_old_look_at_the_source_is_no_evidence(
    listed: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.sections = {"links": [link("repository/train", "model/fraud/2")]}
    listed.run("scan", "--quiet")
    assert required(listed, "source")["source"] == "met"
    real = Session.now
    monkeypatch.setattr(Session, "now", lambda self: real(self) + timedelta(hours=49))
    verdicts = required(listed, "source")
    assert (verdicts["source"], "too long ago" in verdicts["source, why"]) == ("unknown", True)


def test_evidence_that_was_changed_decides_nothing(listed: Gated) -> None:
    listed.gate = {"require": ["signature"]}
    decision, verdicts = listed.decide("fraud", "2", "--target", "models")
    assert verdicts == {"content": "met", "signature": "met"}
    for look in decision["looks"]:
        for digest in look["evidence"]:
            (listed.home / "work" / "evidence" / digest[:2] / f"{digest}.gz").write_bytes(b"")
    decision, verdicts = listed.decide("fraud", "2", "--target", "models", "--last")
    assert verdicts == {"content": "unknown", "signature": "unknown"}
    assert "was changed" in json.dumps(decision)
