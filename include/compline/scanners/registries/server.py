"""What is wrong with the server itself: its doors, its default, its version. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.version import InvalidVersion, Version

from compline.advisories.ranges import fixes_in, parts_for
from compline.advisories.records import Record
from compline.advisories.severity import of_record
from compline.model import Confidence, FindingKind, Observation, Package, Place, Severity
from compline.scanners.registries.facts import DEFAULT_WORKSPACE, RegistryFacts
from compline.scanners.registries.policy import LEVELS, MLFLOWS_DEFAULT, AccessPolicy, level_of
from compline.scanners.registries.rules import observed

PACKAGE = "mlflow"


def judged(facts: RegistryFacts, policy: AccessPolicy, scanner: str) -> Iterator[Observation]:
    """Open doors, plain http, a default permission beyond the policy."""
    for path in facts.open_to_anyone:
        yield observed(
            scanner,
            "anonymous-access",
            f"endpoint/{path}",
            f"Anyone may read {path} without logging in",
        )
    if not facts.https and not (facts.loopback and policy.allow_loopback_http):
        # On loopback nobody on the network listens; it still is worth a word, since the
        # address may be one end of a tunnel.
        yield observed(
            scanner,
            "registry-without-tls",
            "server",
            "The registry is reached over plain http",
            severity=Severity.LOW if facts.loopback else None,
        )
    default, most = facts.default_permission, policy.default_permission or MLFLOWS_DEFAULT
    if default is not None and level_of(default) > LEVELS[most]:
        yield observed(
            scanner,
            "default-permission-too-wide",
            "default-permission",
            f"Every user may {default} every model{_of_which(facts)}; the policy says {most} at "
            "most",
            severity=Severity.CRITICAL if level_of(default) >= LEVELS["EDIT"] else None,
        )
    lifted = facts.lifted_to
    if lifted is not None and level_of(lifted) > LEVELS[most]:
        yield observed(
            scanner,
            "default-permission-too-wide",
            "lifted-permission",
            f"Whoever is granted anything on a model may {lifted} it: the server's "
            f"default_permission lifts every grant; the policy says {most} at most",
            severity=Severity.CRITICAL if level_of(lifted) >= LEVELS["EDIT"] else None,
        )


def _of_which(facts: RegistryFacts) -> str:
    return "" if len(facts.workspaces) == 1 else f" of the workspace {DEFAULT_WORKSPACE}"


def release(facts: RegistryFacts) -> Version | None:
    """The server's version; None where it was not told or is none."""
    try:
        return Version(facts.version)
    except InvalidVersion:
        return None


def vulnerable(
    facts: RegistryFacts, advisories: Sequence[Record], scanner: str
) -> Iterator[Observation]:
    """One for each advisory that holds for the server's version."""
    running = release(facts)
    if running is None:
        return
    for record in advisories:
        severity, vector = of_record(record)
        parts = parts_for(record, PACKAGE)
        later = sorted(fix for part in parts for fix in fixes_in(part) if fix > running)
        fixed = str(later[0]) if later else ""
        rule = str(record["id"])
        aliases = (each for each in record.get("aliases") or () if isinstance(each, str))
        details = {
            "advisory": f"https://osv.dev/vulnerability/{rule}",
            "cvss": vector,
            "remediation": f"Upgrade the server to {fixed} or later." if fixed else "",
        }
        yield Observation(
            scanner=scanner,
            rule=rule,
            kind=FindingKind.DEPENDENCY,
            severity=severity,
            confidence=Confidence.HIGH,
            title=f"The server is {PACKAGE} {running}, which has the known vulnerability {rule}",
            place=Place(path="server"),
            subject=f"pypi:{PACKAGE}",
            package=Package("pypi", PACKAGE, str(running), fixed),
            aliases=tuple(sorted({rule, *aliases})),
            details=tuple((name, value) for name, value in details.items() if value),
        )
