"""The rules that registry facts are held against: what each defect is called and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.services import escaped, one_line


@dataclass(frozen=True, slots=True)
class Rule:
    """One defect."""

    severity: Severity
    """The usual one; some findings of the rule are graver or lighter."""
    remediation: str
    cwe: str


RULES: Mapping[str, Rule] = {
    "anonymous-access": Rule(
        Severity.CRITICAL,
        "Start the server with --app-name basic-auth, or close the path at the proxy.",
        "CWE-306",
    ),
    "registry-without-tls": Rule(
        Severity.HIGH,
        "Serve the registry over https; for a proxy's back end on the same machine, state "
        "allow_loopback_http: true in the policy.",
        "CWE-319",
    ),
    "default-permission-too-wide": Rule(
        Severity.HIGH,
        "Lower default_permission in the server's basic_auth.ini, or declare it in the policy.",
        "CWE-276",
    ),
    "undeclared-admin": Rule(
        Severity.HIGH,
        "Take the administrator's right away, or list the account under admins in the policy.",
        "CWE-250",
    ),
    "too-many-admins": Rule(
        Severity.MEDIUM,
        "Take the administrator's right from those who do not need it, or raise most_admins.",
        "CWE-250",
    ),
    "undeclared-user": Rule(
        Severity.MEDIUM,
        "Delete the account, or list it under users in the policy.",
        "CWE-284",
    ),
    "unused-account": Rule(
        Severity.LOW,
        "Delete the account and take it out of the policy, or ask its owner.",
        "CWE-284",
    ),
    "grant-beyond-policy": Rule(
        Severity.MEDIUM,
        "Revoke the permission, or declare it under grants, teams or roles in the policy.",
        "CWE-284",
    ),
    "may-change-every-model": Rule(
        Severity.HIGH,
        "Grant it model by model, or declare it under grants, teams or roles in the policy.",
        "CWE-269",
    ),
    "member-beyond-policy": Rule(
        Severity.MEDIUM,
        "Take the role from the account, or list it under members in the policy.",
        "CWE-284",
    ),
    "may-move-production": Rule(
        Severity.HIGH,
        "Leave EDIT and MANAGE on what production serves to those who approve it, or list the "
        "account under movers in the policy.",
        "CWE-285",
    ),
    "webhook-to-unknown-host": Rule(
        Severity.MEDIUM,
        "Delete the webhook, or list its host under webhook_hosts in the policy.",
        "CWE-201",
    ),
    "webhook-without-tls": Rule(
        Severity.MEDIUM,
        "Give the webhook an https address.",
        "CWE-319",
    ),
    "artifacts-past-the-registry": Rule(
        Severity.MEDIUM,
        "Serve artifacts through the server (--artifacts-destination), so that its permissions "
        "hold for them, and close the bucket to everybody else.",
        "CWE-639",
    ),
    "artifacts-open-to-others": Rule(
        Severity.HIGH,
        "Take the principal out of the bucket's policy or ACL, or list it under "
        "artifact_principals in the policy.",
        "CWE-732",
    ),
    "declared-but-missing": Rule(
        Severity.INFO,
        "Grant it, or take it out of the policy.",
        "CWE-1059",
    ),
    "access-policy-undeclared": Rule(
        Severity.LOW,
        "Declare it in the registry's policy, so that differences can be seen.",
        "CWE-1059",
    ),
}


def observed(
    scanner: str,
    rule: str,
    subject: str,
    title: str,
    *,
    severity: Severity | None = None,
    details: tuple[tuple[str, str], ...] = (),
) -> Observation:
    """What breaks a rule; names come from the registry and are made printable here."""
    known = RULES[rule]
    subject = escaped(subject)
    return Observation(
        scanner=scanner,
        rule=rule,
        kind=FindingKind.ACCESS,
        severity=severity or known.severity,
        confidence=Confidence.HIGH,
        title=one_line(title, 200),
        place=Place(path=subject),
        subject=subject,
        cwe=(known.cwe,),
        details=(
            ("remediation", known.remediation),
            *((key, one_line(value)) for key, value in details),
        ),
    )
