"""The one list of scanners: name to kinds of target, tools and a class, imported if asked for."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, cast

from compline.config.schema import Config
from compline.model import TargetKind
from compline.scanners.interface import Scanner


class _Entry(NamedTuple):
    kinds: frozenset[TargetKind]
    place: str
    """Module and class."""
    tools: tuple[str, ...] = ()
    """Of the toolbox; none for checks in process."""


_REPOSITORIES = frozenset({TargetKind.REPOSITORY})
_MODELS = frozenset({TargetKind.MODEL, TargetKind.MODEL_REGISTRY})
_FILES = _REPOSITORIES | _MODELS | {TargetKind.IMAGE}
_SCANNERS = {
    "bandit": _Entry(_REPOSITORIES, "compline.scanners.bandit.scanner:Bandit", ("bandit",)),
    "semgrep": _Entry(_REPOSITORIES, "compline.scanners.semgrep.scanner:Semgrep", ("semgrep",)),
    "pip-audit": _Entry(
        _REPOSITORIES, "compline.scanners.pip_audit.scanner:PipAudit", ("pip-audit",)
    ),
    "trivy": _Entry(_REPOSITORIES, "compline.scanners.trivy.tree_scanner:TrivyTree", ("trivy",)),
    "trivy-image": _Entry(
        frozenset({TargetKind.IMAGE}),
        "compline.scanners.trivy.image_scanner:TrivyImage",
        ("trivy",),
    ),
    "lineage": _Entry(
        frozenset({TargetKind.REPOSITORY, TargetKind.IMAGE}),
        "compline.scanners.lineage.scanner:Lineage",
    ),
    "data-expectations": _Entry(
        frozenset({TargetKind.DATA_STORE}),
        "compline.scanners.expectations.scanner:DataExpectations",
    ),
    "registry-permissions": _Entry(
        frozenset({TargetKind.MODEL_REGISTRY}),
        "compline.scanners.registries.scanner:RegistryPermissions",
    ),
    "modelaudit": _Entry(
        _FILES, "compline.scanners.models.scanner:ModelAuditScanner", ("modelaudit",)
    ),
    "picklescan": _Entry(
        _FILES, "compline.scanners.models.scanner:PickleScanScanner", ("picklescan",)
    ),
    "model-guard": _Entry(_MODELS, "compline.scanners.models.guard:ModelGuard", ("model-signing",)),
}


def names() -> tuple[str, ...]:
    """Every scanner's name, in the order of the documentation."""
    return tuple(_SCANNERS)


def kinds(name: str) -> frozenset[TargetKind]:
    """The kinds of target that a scanner takes; known without importing it, so that one that
    cannot be imported still has its failed looks."""
    return _SCANNERS[name].kinds


def tools(name: str) -> tuple[str, ...]:
    """The tools that a scanner starts."""
    return _SCANNERS[name].tools


def tools_for(config: Config) -> tuple[str, ...]:
    """The tools that the enabled scanners need for the listed targets, each once."""
    listed = {entry.target_kind for group in config.targets.groups().values() for entry in group}
    needed = (
        tool
        for name, entry in _SCANNERS.items()
        if config.scanners.of(name).enabled and entry.kinds & listed
        for tool in entry.tools
    )
    return tuple(dict.fromkeys(needed))


def load(name: str) -> Scanner:
    """The scanner of that name.

    Raises:
        KeyError: there is none; the message lists those that are.
        ImportError: something that it needs is not installed.
    """
    if name not in _SCANNERS:
        raise KeyError(f"no scanner {name!r}; there are {', '.join(_SCANNERS)}")
    module, _, attribute = _SCANNERS[name].place.partition(":")
    return cast(Scanner, getattr(import_module(module), attribute)())
