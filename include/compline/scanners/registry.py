"""The one list of scanners: name to kinds of target, tools and a class, imported if asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from compline.config.schema import Config
from compline.model import TargetKind
from compline.scanners.interface import Scanner

_REPOSITORIES = frozenset({TargetKind.REPOSITORY})
_MODELS = frozenset({TargetKind.MODEL, TargetKind.MODEL_REGISTRY})
_MODEL_FILES = _MODELS | {TargetKind.REPOSITORY, TargetKind.IMAGE}
_SCANNERS = {
    "bandit": (_REPOSITORIES, "compline.scanners.bandit.scanner:Bandit"),
    "semgrep": (_REPOSITORIES, "compline.scanners.semgrep.scanner:Semgrep"),
    "pip-audit": (_REPOSITORIES, "compline.scanners.pip_audit.scanner:PipAudit"),
    "trivy": (_REPOSITORIES, "compline.scanners.trivy.tree_scanner:TrivyTree"),
    "trivy-image": (
        frozenset({TargetKind.IMAGE}),
        "compline.scanners.trivy.image_scanner:TrivyImage",
    ),
    "lineage": (
        frozenset({TargetKind.REPOSITORY, TargetKind.IMAGE}),
        "compline.scanners.lineage.scanner:Lineage",
    ),
    "data-expectations": (
        frozenset({TargetKind.DATA_STORE}),
        "compline.scanners.expectations.scanner:DataExpectations",
    ),
    "column-content": (
        frozenset({TargetKind.DATA_STORE}),
        "compline.scanners.stores.content.scanner:ColumnContent",
    ),
    "registry-permissions": (
        frozenset({TargetKind.MODEL_REGISTRY}),
        "compline.scanners.registries.scanner:RegistryPermissions",
    ),
    "airflow-audit": (
        frozenset({TargetKind.AIRFLOW}),
        "compline.scanners.airflow.scanner:AirflowAudit",
    ),
    "log-secrets": (
        frozenset({TargetKind.AIRFLOW, TargetKind.LOG}),
        "compline.scanners.logs.scanner:LogSecrets",
    ),
    "model-access": (
        frozenset({TargetKind.LOG}),
        "compline.scanners.access.scanner:ModelAccess",
    ),
    "endpoint-guard": (
        frozenset({TargetKind.ENDPOINT}),
        "compline.scanners.endpoints.scanner:EndpointGuard",
    ),
    "endpoint-dynamic": (
        frozenset({TargetKind.ENDPOINT}),
        "compline.scanners.endpoints.dynamic.scanner:EndpointDynamic",
    ),
    "modelaudit": (_MODEL_FILES, "compline.scanners.models.opening.scanner:ModelAuditScanner"),
    "picklescan": (_MODEL_FILES, "compline.scanners.models.opening.scanner:PickleScanScanner"),
    "model-guard": (_MODELS, "compline.scanners.models.guard.scanner:ModelGuard"),
    # After those that look at data stores: it judges by their looks, and in this order a shard has
    # recorded them before.
    "pipeline-flows": (
        frozenset({TargetKind.PIPELINE}),
        "compline.scanners.pipelines.scanner:PipelineFlows",
    ),
}
_TOOLS = {
    "bandit": ("bandit",),
    "semgrep": ("semgrep",),
    "pip-audit": ("pip-audit",),
    "trivy": ("trivy",),
    "trivy-image": ("trivy",),
    "log-secrets": ("trivy",),
    "endpoint-guard": ("sslyze",),
    "endpoint-dynamic": ("schemathesis",),
    "modelaudit": ("modelaudit",),
    "picklescan": ("picklescan",),
    "model-guard": ("model-signing",),
}
"""The tools that scanners start; what is not here checks in process."""


def names() -> tuple[str, ...]:
    """Every scanner's name, in the order of the documentation."""
    return tuple(_SCANNERS)


def kinds(name: str) -> frozenset[TargetKind]:
    """The kinds of target that a scanner takes; known without importing it, so that one that
    cannot be imported still has its failed looks."""
    return _SCANNERS[name][0]


def tools(name: str) -> tuple[str, ...]:
    """The tools that a scanner starts."""
    return _TOOLS.get(name, ())


def tools_for(config: Config) -> tuple[str, ...]:
    """The tools that the enabled scanners need for the listed targets, each once."""
    listed = {entry.target_kind for group in config.targets.groups().values() for entry in group}
    needed = (
        tool
        for name in _SCANNERS
        if config.scanners.of(name).enabled and kinds(name) & listed
        for tool in tools(name)
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
    module, _, attribute = _SCANNERS[name][1].partition(":")
    return cast(Scanner, getattr(import_module(module), attribute)())
