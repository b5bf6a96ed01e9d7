"""The rules that registry facts are held against: what each defect is called and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compline.model import Severity


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
    "undeclared-user": Rule(
        Severity.MEDIUM,
        "Delete the account, or list it under users in the policy.",
        "CWE-284",
    ),
    "grant-beyond-policy": Rule(
        Severity.MEDIUM,
        "Revoke the permission, or declare it under grants (or roles) in the policy.",
        "CWE-284",
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
