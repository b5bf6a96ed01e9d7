"""Who may move what production serves, whom webhooks tell, and where artifacts lie. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from compline.model import Observation, Severity
from compline.scanners.registries.buckets import BucketFacts
from compline.scanners.registries.facts import Grant, Model, RegistryFacts
from compline.scanners.registries.policy import LEVELS, AccessPolicy, level_of
from compline.scanners.registries.rules import observed

_NAMED = 10
_CHANGES = LEVELS["EDIT"]
"""From this level on one may move an alias or a stage."""
_OF_VERSIONS = "registered_model_version"
"""The tier that decides about stages where somebody has a grant on it."""


def judged(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    """Who may move what production serves, and webhooks to where nobody declared one."""
    yield from _movers(facts, policy, scanner)
    for hook in sorted(facts.webhooks or (), key=lambda one: (one.name, one.host)):
        what = ", ".join(hook.events)
        if not policy.allows_host(hook.host):
            yield observed(
                scanner,
                "webhook-to-unknown-host",
                f"webhook/{hook.name}/{hook.host}",
                f"The webhook {hook.name} tells {hook.host or 'an address without a host'} what "
                "happens in the registry",
                details=(("events", what),),
            )
        if not hook.tls:
            yield observed(
                scanner,
                "webhook-without-tls",
                f"webhook/{hook.name}/{hook.host}",
                f"The webhook {hook.name} speaks plain http to {hook.host}",
                details=(("events", what),),
            )


def served(facts: RegistryFacts, policy: AccessPolicy) -> tuple[Model, ...]:
    """The models of which production serves an alias or a stage."""
    return tuple(
        model
        for model in facts.models or ()
        if any(name.lower() in policy.production for name in (*model.aliases, *model.stages))
    )


def _movers(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    models = served(facts, policy)
    if policy.movers is None or facts.grants is None or not models:
        return
    by_user: defaultdict[str, list[Grant]] = defaultdict(list)
    for grant in facts.grants:
        if grant.resource_type in ("registered_model", _OF_VERSIONS, "workspace"):
            by_user[grant.user].append(grant)
    for user in facts.users or ():
        if user.admin or user.name in policy.movers:
            continue
        reach = Reach(by_user[user.name], facts)
        names = [m.name for m in models if reach.level(m.workspace, m.name) >= _CHANGES]
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield observed(
                scanner,
                "may-move-production",
                f"production/{user.name}",
                f"{user.name} may move what production serves of {len(names)} models",
                details=(("models", ", ".join(sorted(names)[:_NAMED]) + more),),
            )


class Reach:
    """What one user may do with models; a denial counts before everything that is granted."""

    def __init__(self, grants: Iterable[Grant], facts: RegistryFacts) -> None:
        """`grants`: of that user, on models (or on another kind of resource), and on workspaces."""
        self._facts = facts
        grants = list(grants)
        self._keepers = {
            grant.workspace
            for grant in grants
            if grant.resource_type == "workspace" and grant.permission == "MANAGE"
        }
        self._held: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for grant in grants:
            if grant.resource_type != "workspace":
                self._held[grant.workspace, grant.pattern].append(grant.permission)

    def level(self, workspace: str, name: str) -> int:
        """The level that decides about one of them, such as about moving its aliases or stages."""
        if workspace in self._keepers:
            return LEVELS["MANAGE"]
        held = [*self._held[workspace, name], *self._held[workspace, "*"]]
        if "DENY" in held:
            return 0
        if not held:
            return level_of(self._facts.default_in(workspace))
        return max(map(level_of, (*held, self._facts.least)))


def artifacts(
    facts: RegistryFacts, policy: AccessPolicy, bucket: BucketFacts | None, scanner: str
) -> Iterator[Observation]:
    """Artifacts that are reached without asking the registry."""
    for root, number in sorted(_direct(facts).items()):
        yield observed(
            scanner,
            "artifacts-past-the-registry",
            f"artifacts/{root}",
            f"The artifacts of {number} experiments are read and written at {root} directly, "
            "where the registry's permissions do not hold",
        )
    if bucket is None:
        return
    for who, what in sorted(bucket.reached_by.items()):
        world = who == "*"
        if not world and _declared(who, policy):
            continue
        yield observed(
            scanner,
            "artifacts-open-to-others",
            f"artifacts/{bucket.name}/{who}",
            f"{'Anybody' if world else who} may {what} in s3://{bucket.name} without asking the "
            "registry",
            severity=Severity.CRITICAL if world else None,
        )


def _declared(who: str, policy: AccessPolicy) -> bool:
    account = who.split(":")[4] if who.count(":") >= 5 else who
    return who in policy.artifact_principals or account in policy.artifact_principals


def _direct(facts: RegistryFacts) -> Mapping[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for experiment in facts.experiments or ():
        if experiment.artifacts and not experiment.artifacts.startswith(
            ("mlflow-artifacts", "file")
        ):
            found[experiment.artifacts] += 1
    return found
