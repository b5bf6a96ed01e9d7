"""Model registries: who may do what in them, against the access policy that is declared."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from compline.model import (
    Completed,
    Look,
    Outcome,
    ScanKey,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.interface import Job, ScanContext
from compline.scanners.live import Notes, live_look
from compline.scanners.registries import canary, mlflow
from compline.scanners.registries.canary import CanaryMissed
from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.facts import CannotAsk, RegistryFacts
from compline.scanners.registries.policy import RegistryPolicyError, parse_policy
from compline.scanners.registries.rules import RULES

ADAPTER = "1"
"""Raised whenever the same answers would be read or judged otherwise."""


class RegistryPermissions:
    """MLflow registries with basic-auth; always asked live, never written to."""

    name = "registry-permissions"
    kinds = frozenset({TargetKind.MODEL_REGISTRY})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The key without a policy; a look's own key has its registry's."""
        return self._key({}, self._seconds(context))

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """Asks each registry in turn; whatever goes wrong with one is its own Failed look."""
        proved: set[str] = set()
        for job in jobs:
            context.progress(f"{job.target.name}: registry permissions")
            yield self._look(job.target, context, proved)

    def _seconds(self, context: ScanContext) -> float:
        return float(context.config.scanners.of(self.name).seconds)

    def _key(self, policy: Any, seconds: float) -> ScanKey:
        return ScanKey(
            tool=digest_of({"httpx": version("httpx"), "python": platform.python_version()}),
            adapter=ADAPTER,
            rules=digest_of({name: asdict(rule) for name, rule in RULES.items()}),
            options=digest_of({"policy": policy, "seconds": seconds}),
        )

    def _look(self, target: Target, context: ScanContext, proved: set[str]) -> Look:
        return live_look(
            target,
            self.name,
            context,
            f"httpx {version('httpx')}",
            (CannotAsk, RegistryPolicyError, CanaryMissed),
            lambda notes: self._judge(target, context, proved, notes),
        )

    def _judge(
        self, target: Target, context: ScanContext, proved: set[str], notes: Notes
    ) -> Outcome:
        seconds = self._seconds(context)
        settings = target.settings.get("policy") or {}
        notes.key = self._key(settings, seconds)
        policy = parse_policy(settings)
        reference = target.settings.get("credential")
        credential = context.secrets.resolve(str(reference)) if reference else None
        kind = str(target.settings.get("kind", "mlflow"))
        if kind not in proved:
            canary.prove(seconds)
            proved.add(kind)
        facts = mlflow.collect(target.locator, credential, seconds)
        observations = evaluate(facts, policy, self.name)
        notes.evidence.append(canonical_json({"target": target.name, "facts": _plain(facts)}))
        return Completed(observations, facts.gaps)


def _plain(facts: RegistryFacts) -> dict[str, Any]:
    return {**asdict(facts), "gaps": [asdict(gap) for gap in facts.gaps]}
