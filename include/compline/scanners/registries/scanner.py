"""Model registries: who may do what in them, against the access policy that is declared."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from compline.config.secrets import SecretMissing
from compline.model import (
    Completed,
    Failed,
    Look,
    Outcome,
    ScanKey,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.interface import Job, ScanContext
from compline.scanners.registries.facts import CannotAsk, RegistryFacts
from compline.scanners.registries.policy import RegistryPolicyError, parse_policy
from compline.scanners.registries.rules import RULES
from compline.scanners.services import unforeseen

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
        started = time.monotonic()
        seconds = self._seconds(context)
        policy = target.settings.get("policy") or {}
        outcome: Outcome
        evidence: tuple[str, ...] = ()
        try:
            outcome, report = self._judge(target, policy, seconds, context, proved)
            evidence = (context.evidence.put(report),)
        except Exception as error:
            outcome = Failed(_explained(error))
        return Look(
            target=target.name,
            scanner=self.name,
            outcome=outcome,
            revision=context.now.isoformat(timespec="seconds"),
            scan_key=self._key(policy, seconds),
            tool_version=f"httpx {version('httpx')}",
            evidence=evidence,
            seconds=round(time.monotonic() - started, 3),
        )

    def _judge(
        self, target: Target, settings: Any, seconds: float, context: ScanContext, proved: set[str]
    ) -> tuple[Completed, bytes]:
        from compline.scanners.registries import canary, mlflow
        from compline.scanners.registries.evaluate import evaluate

        kind = str(target.settings.get("kind", "mlflow"))
        if kind != "mlflow":
            raise CannotAsk(f"no client for registries of kind {kind!r}; there is mlflow")
        policy = parse_policy(settings)
        reference = target.settings.get("credential")
        credential = context.secrets.resolve(str(reference)) if reference else None
        if kind not in proved:
            canary.prove(seconds)
            proved.add(kind)
        facts = mlflow.collect(target.locator, credential, seconds)
        observations = evaluate(facts, policy, self.name)
        report = {"target": target.name, "facts": _plain(facts)}
        return Completed(observations, facts.gaps), canonical_json(report)


def _plain(facts: RegistryFacts) -> dict[str, Any]:
    return {**asdict(facts), "gaps": [asdict(gap) for gap in facts.gaps]}


def _explained(error: Exception) -> str:
    from compline.scanners.registries.canary import CanaryMissed

    if isinstance(error, SecretMissing | CannotAsk | RegistryPolicyError | CanaryMissed):
        return str(error)
    return unforeseen(error)
