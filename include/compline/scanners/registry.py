"""The one list of scanners: name to the class that implements it, imported only when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from compline.scanners.interface import Scanner

_SCANNERS = {
    "bandit": "compline.scanners.bandit:Bandit",
    "semgrep": "compline.scanners.semgrep:Semgrep",
    "pip-audit": "compline.scanners.pip_audit:PipAudit",
    "trivy": "compline.scanners.trivy_tree:TrivyTree",
    "trivy-image": "compline.scanners.trivy_image:TrivyImage",
    "data-expectations": "compline.scanners.data_expectations:DataExpectations",
    "registry-permissions": "compline.scanners.registry_permissions:RegistryPermissions",
}


def names() -> tuple[str, ...]:
    """Every scanner's name, in the order of the documentation."""
    return tuple(_SCANNERS)


def load(name: str) -> Scanner:
    """The scanner of that name.

    Raises:
        KeyError: there is none; the message lists those that are.
    """
    try:
        module, _, attribute = _SCANNERS[name].partition(":")
    except KeyError:
        raise KeyError(f"no scanner {name!r}; there are {', '.join(_SCANNERS)}") from None
    return cast(Scanner, getattr(import_module(module), attribute)())
