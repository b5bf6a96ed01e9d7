"""The promotion gate: a fresh look at one model version, judged and decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from compline.config.gate import DEFAULT, Gate
from compline.evidence.decision import Decision
from compline.findings.gate import decide
from compline.model import Target, TargetKind
from compline.pipeline.gate_decisions import keep
from compline.pipeline.gate_judgement import Judgement
from compline.pipeline.gate_sights import Sight, Sights
from compline.pipeline.once import run_once
from compline.pipeline.request import BadRequest, Request
from compline.pipeline.session import Session
from compline.scanners import registry
from compline.targets.listed import Listed

KIND = "gate"
"""Of the run that looks."""
_HOLDS = (TargetKind.MODEL, TargetKind.MODEL_REGISTRY)
_GUARD = "model-guard"
_LOOKS = ("modelaudit", "picklescan", _GUARD, "registry-permissions")


def hold(
    session: Session,
    model: str,
    version: str,
    *,
    target: str = "",
    last: bool = False,
    by: str = "",
) -> Decision:
    """Decides whether a version may be deployed, and keeps the decision.

    Args:
        session: where.
        model: its name in its registry or folder.
        version: its version there; empty where the target is one model without versions.
        target: which target holds it, where several might.
        last: judge the last looks, as far as they are young enough, instead of looking now.
        by: who asks.

    Raises:
        BadRequest: no target, or no such model or version.
        EvidenceUnavailable: the locker cannot be reached.
        StoreError: the decision could not be added to the chain.
        SecretMissing: the signing key is not there.
        SigningKeyUnusable: it is none.
    """
    place = _place(session, model, target)
    rules = session.config.gate.of(dict(place.labels))
    began = session.now()
    oldest = began - timedelta(hours=rules.max_age_hours)
    run = None if last else _look(session, place, rules, (model, version))
    now = session.now()
    sights = Sights(session, now)
    guard = sights.of(place.name, _GUARD, oldest if run is None else began)
    _check_version(guard, place, model, version)
    judgement = Judgement(
        session, sights, place, rules, model, version, oldest, oldest if run is None else began
    )
    required, left_out = _required(rules, place)
    found = judgement.of(required)
    return keep(
        session,
        {
            "organisation": session.config.organisation,
            "model": model,
            "version": version,
            "target": {"name": place.name, "kind": place.kind.value, "locator": place.locator},
            "digest": judgement.digest,
            "files": dict(sorted(judgement.files.items())),
            "verdict": decide(found).value,
            "requirements": [
                {
                    "name": each.name,
                    "verdict": each.verdict.value,
                    "reason": each.reason,
                    "accepted": list(each.accepted),
                }
                for each in found
            ],
            "not_required": left_out,
            "rules": rules.model_dump(mode="json", exclude={"overrides"}),
            "looks": [sight.as_json() for _, sight in sorted(sights.used.items())],
            "run": run,
            "at": now.isoformat(),
            "by": by,
        },
    )


def _place(session: Session, model: str, wanted: str) -> Target:
    listed = [t for t in Listed().discover(session.config) if t.kind in _HOLDS]
    names = ", ".join(each.name for each in listed) or "none"
    if wanted:
        for each in listed:
            if each.name == wanted:
                return each
        raise BadRequest(f"no target named {wanted} holds models; these do: {names}")
    if not listed:
        raise BadRequest(
            "no target holds models: list one under `targets.models` or `model_registries`"
        )
    if len(listed) == 1:
        return listed[0]
    sights = Sights(session, session.now())
    holding = [t for t in listed if model in _models(sights.of(t.name, _GUARD, _EVER))]
    if len(holding) == 1:
        return holding[0]
    raise BadRequest(f"which target holds {model}? Give --target, one of: {names}")


_EVER = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


def _models(sight: Sight) -> Mapping[str, list[str]]:
    """Models and their versions, as model-guard listed them."""
    return {name: versions for name, _, _, versions in sight.report.get("models", ())}


def _look(session: Session, place: Target, rules: Gate, about: tuple[str, str]) -> int | None:
    """A run of its own, tracked as any: what it finds is a finding like others."""
    scanners = tuple(
        name
        for name in _LOOKS
        if place.kind in registry.kinds(name) and session.config.scanners.of(name).enabled
    )
    if not scanners:
        return None
    request = Request((place.name,), scanners, fail_at=rules.fail_at, about=about)
    run, _ = run_once(session, request, KIND)
    return run


def _check_version(guard: Sight, place: Target, model: str, version: str) -> None:
    """What a look that can be relied on does not list is a mistake of whoever asks."""
    if guard.problem:
        return
    models = _models(guard)
    if model not in models:
        there = _some(sorted(models))
        raise BadRequest(f"{place.name} holds no model {model!r}; there are: {there}")
    if version not in models[model]:
        there = _some(models[model])
        raise BadRequest(f"{model} has no version {version!r}; there are: {there}")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(name or "''" for name in names[-20:]) + more


def _required(rules: Gate, place: Target) -> tuple[list[str], list[str]]:
    """What is asked, and what is not; a folder has no registry whose permissions one could ask."""
    required: list[Any] = list(rules.require or DEFAULT)
    if rules.require is None and place.kind is not TargetKind.MODEL_REGISTRY:
        required.remove("permissions")
    every = [*DEFAULT, "formats", "data", "source"]
    return required, [name for name in every if name not in required]
