"""Model registries: who may do what in them, against the access policy that is declared."""

from __future__ import annotations

import platform
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from compline.advisories.errors import AdvisoryError
from compline.advisories.osv import osv_origin
from compline.advisories.records import Record
from compline.model import (
    Completed,
    Gap,
    GapReason,
    Look,
    Outcome,
    ScanKey,
    Target,
    TargetKind,
    canonical_json,
    digest_of,
)
from compline.scanners.expectations.inventory import CannotCollect
from compline.scanners.expectations.scanner import InventoryScanner
from compline.scanners.interface import ScanContext
from compline.scanners.live import Notes, live_look
from compline.scanners.registries import activity, buckets, canary, mlflow
from compline.scanners.registries.aws import Access
from compline.scanners.registries.behind import behind
from compline.scanners.registries.buckets import BucketFacts, BucketHidden
from compline.scanners.registries.canary import CanaryMissed
from compline.scanners.registries.denials import taken_back
from compline.scanners.registries.evaluate import evaluate
from compline.scanners.registries.facts import Activity, RegistryFacts
from compline.scanners.registries.policy import AccessPolicy, RegistryPolicyError, parse_policy
from compline.scanners.registries.rules import RULES
from compline.scanners.registries.server import PACKAGE, release
from compline.scanners.registries.telling import facts_of

ADAPTER = "3"
"""Raised whenever the same answers would be read or judged otherwise."""


MLFLOW = "mlflow"


class RegistryPermissions(InventoryScanner):
    """Model registries, always asked live and never written to: MLflow with basic-auth by its own
    rules, every other kind as an inventory."""

    name = "registry-permissions"
    kinds = frozenset({TargetKind.MODEL_REGISTRY})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """The key without a policy; a look's own key has its registry's."""
        others = super().scan_key(context)
        own = self._key({}, self._seconds(context))
        return replace(own, rules=digest_of([own.rules, others.rules, others.tool]))

    def look(self, target: Target, context: ScanContext, proved: set[tuple[str, str]]) -> Look:
        """One registry's look, by its kind."""
        if str(target.settings.get("kind", MLFLOW)) != MLFLOW:
            return super().look(target, context, proved)
        return live_look(
            target,
            self.name,
            context,
            f"httpx {version('httpx')}",
            (CannotCollect, RegistryPolicyError, CanaryMissed),
            lambda notes: self._mlflow(target, context, proved, notes),
        )

    def _key(self, policy: Any, seconds: float) -> ScanKey:
        return ScanKey(
            tool=digest_of({"httpx": version("httpx"), "python": platform.python_version()}),
            adapter=ADAPTER,
            rules=digest_of({name: asdict(rule) for name, rule in RULES.items()}),
            options=digest_of({"policy": policy, "seconds": seconds}),
        )

    def _mlflow(
        self, target: Target, context: ScanContext, proved: set[tuple[str, str]], notes: Notes
    ) -> Outcome:
        seconds = self._seconds(context)
        settings = target.settings.get("policy") or {}
        notes.key = self._key(settings, seconds)
        policy = parse_policy(settings)
        reference = target.settings.get("credential")
        credential = context.secrets.resolve(str(reference)) if reference else None
        if (MLFLOW, "") not in proved:
            canary.prove(seconds)
            proved.add((MLFLOW, ""))
        facts = mlflow.collect(target.locator, credential, seconds)
        advisories, unknown = _advisories(facts, context)
        bucket, hidden = _bucket(facts, policy, target, context, seconds)
        facts = replace(facts, activity=activity.activity_of(target, context))
        unseen = activity.gaps(facts, policy)
        gaps = (*facts.gaps, *behind(facts.gaps), *unknown, *hidden, *unseen)
        facts = replace(facts, gaps=tuple(dict.fromkeys(gaps)))
        observations = evaluate(facts, policy, self.name, advisories, bucket)
        notes.evidence.append(
            canonical_json(
                {
                    "target": target.name,
                    "facts": _plain(facts),
                    "advisories": advisories,
                    "bucket": asdict(bucket) if bucket else None,
                }
            )
        )
        again, notes.memory = taken_back(context.memory(target.name, self.name), facts)
        return Completed(observations, facts.gaps, (*facts_of(facts), *again))


def _advisories(facts: RegistryFacts, context: ScanContext) -> tuple[list[Record], tuple[Gap, ...]]:
    """What holds for the server's version; a gap where nobody can tell."""
    running = release(facts)
    if running is None:
        detail = "the server does not tell its version"
        return [], (Gap(GapReason.UNSUPPORTED, "server", detail, subjects=(f"pypi:{PACKAGE}",)),)
    try:
        origin = osv_origin(context.config.advisories, context.workspace, context.now)
        source = origin.load()
        try:
            return list(source.affecting(PACKAGE, running)), ()
        finally:
            source.close()
    except AdvisoryError as error:
        gap = Gap(GapReason.UNRESOLVED, "server", str(error), subjects=(f"pypi:{PACKAGE}",))
        return [], (gap,)


def _bucket(
    facts: RegistryFacts,
    policy: AccessPolicy,
    target: Target,
    context: ScanContext,
    seconds: float,
) -> tuple[BucketFacts | None, tuple[Gap, ...]]:
    """Who reaches the bucket behind the registry; a gap where nobody can tell."""
    if facts.experiments is None or policy.artifact_store == "local":
        return None, ()
    roots = {one.artifacts for one in facts.experiments}
    if policy.artifact_store:
        roots.add(policy.artifact_store)
    named = {root for root in roots if "://" in root and not root.startswith("file:")}
    stores = sorted(named, key=lambda root: (root != policy.artifact_store, root))
    here = list(dict.fromkeys(_name(root) for root in stores if _is_s3(root)))
    gaps = [_elsewhere(root) for root in stores if not _is_s3(root)]
    gaps += [
        Gap(GapReason.UNSUPPORTED, f"artifacts/{other}/", "only one bucket is looked at")
        for other in here[1:]
    ]
    if any(root.startswith("mlflow-artifacts") for root in roots) and not policy.artifact_store:
        detail = "where the server keeps artifacts is not declared (policy: artifact_store)"
        gaps.append(Gap(GapReason.UNSUPPORTED, "artifacts/", detail))
    if not here:
        return None, tuple(gaps)
    reference = target.settings.get("artifact_credential")
    if not reference:
        detail = f"no artifact_credential to ask s3://{here[0]} with"
        return None, (*gaps, Gap(GapReason.FORBIDDEN, "artifacts/", detail))
    endpoint = str(target.settings.get("artifact_endpoint") or "")
    access = Access(context.secrets.resolve(str(reference)), seconds, endpoint=endpoint)
    try:
        return buckets.ask(here[0], access), tuple(gaps)
    except BucketHidden as error:
        return None, (*gaps, Gap(GapReason.FORBIDDEN, "artifacts/", str(error)))


def _is_s3(root: str) -> bool:
    return root.startswith("s3://")


def _elsewhere(root: str) -> Gap:
    detail = f"who reaches {root} is not asked here: list it under `data_stores`, where it is"
    return Gap(GapReason.UNSUPPORTED, f"artifacts/{_name(root)}/", detail)


def _name(root: str) -> str:
    return root.partition("://")[2].partition("/")[0]


def _plain(facts: RegistryFacts) -> dict[str, Any]:
    plain = asdict(replace(facts, activity=None))
    return {
        **plain,
        "activity": TypeAdapter(Activity | None).dump_python(facts.activity, mode="json"),
    }
