"""From a target to the place that holds its model files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from compline.model import Target, TargetKind
from compline.scanners.exclusions import Exclusions
from compline.scanners.interface import Job, ScanContext
from compline.scanners.models.artifacts import Artifact, CannotList, Listing, Source
from compline.scanners.models.huggingface.hub import Hub
from compline.scanners.models.huggingface.registry import HubRegistry
from compline.scanners.models.mlflow.registry import MlflowRegistry
from compline.scanners.models.mlflow.rest import Rest
from compline.scanners.models.mlflow.runs import Runs
from compline.scanners.models.mlflow.workspaces import Workspaces, in_workspace
from compline.scanners.models.places.folders import ModelFolder
from compline.scanners.models.places.object_places import object_place
from compline.scanners.models.places.s3 import Bucket
from compline.scanners.models.places.trees import Layers, Tree
from compline.scanners.models.sagemaker.registry import SageMakerRegistry
from compline.scanners.registries.aws import Access
from compline.scanners.registries.facts import CannotAsk
from compline.scanners.registries.huggingface.collector import HUB
from compline.source.errors import SourceError

LIVE = frozenset({TargetKind.MODEL, TargetKind.MODEL_REGISTRY})
"""Kinds that hold models with versions; they are asked each time."""
_LISTED = "models"
"""Of `Job.shared`: the listing, or why there is none."""


def open_source(job: Job, context: ScanContext) -> Source:
    """The place behind a job.

    Raises:
        CannotList: it cannot be opened.
        SecretMissing: its credential is not there.
    """
    target = job.target
    exclusions = Exclusions(context.config.ignore)
    try:
        if target.kind is TargetKind.REPOSITORY and job.open_snapshot is not None:
            return Tree(job.open_snapshot(), exclusions)
        if target.kind is TargetKind.IMAGE and job.open_archive is not None:
            return Layers(job.open_archive(), exclusions)
    except SourceError as error:
        raise CannotList(str(error)) from error
    rules = rules_of(target)
    production = str(rules["production"])
    seconds = float(context.config.scanners.of("model-guard").seconds)
    settings = target.settings

    def secret(field: str) -> str | None:
        reference = settings.get(field)
        return context.secrets.resolve(str(reference)) if reference else None

    if target.kind is TargetKind.MODEL_REGISTRY and settings.get("kind") == "mlflow":
        return _mlflow(job, context, rules, secret)
    if target.kind is TargetKind.MODEL_REGISTRY and settings.get("kind") == "sagemaker":
        return _sagemaker(job, seconds, rules, secret("credential") or "")
    if target.kind is TargetKind.MODEL_REGISTRY and settings.get("kind") == "huggingface":
        return _hub(job, seconds, rules, secret("token") or "")
    store = partial(
        object_place,
        seconds=seconds,
        endpoint=settings.get("endpoint"),
        credential=secret("credential"),
    )
    layout = "models" if target.kind is TargetKind.MODEL_REGISTRY else "versions"
    layout = str(settings.get("layout", layout))
    return ModelFolder(target.locator, target.name, layout, production, store, seconds)


def _mlflow(
    job: Job,
    context: ScanContext,
    rules: dict[str, Any],
    secret: Callable[[str], str | None],
) -> Source:
    target, settings = job.target, job.target.settings
    guard = context.config.scanners.model_guard
    credential = secret("credential")
    opener = partial(
        Bucket,
        seconds=float(guard.seconds),
        endpoint=settings.get("artifact_endpoint"),
        credential=secret("artifact_credential"),
    )

    def registry(workspace: str, seconds: float) -> Source:
        rest = Rest(target.locator, credential, seconds, workspace)
        runs = Runs(target.name, context.cache, context.now, guard.reread_days, fresh=job.fresh)
        about = in_workspace(job.about, workspace)
        production = str(rules["production"])
        return MlflowRegistry(rest, seconds, production, rules["artifacts"], opener, runs, about)

    rest = Rest(target.locator, credential, float(guard.seconds))
    return Workspaces(rest, float(guard.seconds), registry)


def _sagemaker(job: Job, seconds: float, rules: dict[str, Any], credential: str) -> Source:
    settings = job.target.settings
    endpoint = settings.get("endpoint")
    opener = partial(Bucket, seconds=seconds, endpoint=endpoint, credential=credential)
    access = Access(credential, seconds, str(settings["region"]), str(endpoint or ""))
    try:
        client = access.client("sagemaker")
    except CannotAsk as error:
        raise CannotList(str(error)) from None
    production = str(rules["production"])
    return SageMakerRegistry(client, seconds, production, rules["artifacts"], opener, job.about)


def _hub(job: Job, seconds: float, rules: dict[str, Any], token: str) -> Source:
    settings = job.target.settings
    url, organisation = str(settings.get("url") or HUB), str(settings["organisation"])
    hub = Hub(url, organisation, token, seconds, list(settings["file_hosts"]))
    return HubRegistry(hub, seconds, str(rules["production"]), job.about)


def rules_of(target: Target) -> dict[str, Any]:
    """The target's `models:` section with every field."""
    given = dict(target.settings.get("models") or {})
    defaults: dict[str, Any] = {
        "production": "production",
        "artifacts": [],
        "signature": "model.sig",
        "keys": [],
        "certificates": [],
        "ignore_unsigned_files": False,
        "licences": [],
        "provenance": [],
        "formats": [],
    }
    return {**defaults, **given}


def served_by_production(listing: Listing) -> set[tuple[str, str]]:
    """(model, version) of everything that production serves."""
    return {(each.name, each.served) for each in listing.models if each.served is not None}


def whole_listing(source: Source, job: Job) -> Listing:
    """The listing, made once for all scanners of a shard; a place of models that shows none at all
    is not believed. That it could not be made is as true for the scanners that come later.

    Raises:
        CannotList: it cannot be asked, or shows nothing: an account that lost its rights sees the
            same as one of an empty registry.
    """
    kept = job.shared.get(_LISTED)
    if isinstance(kept, str):
        raise CannotList(kept)
    if isinstance(kept, Listing):
        return kept
    try:
        listing = _believed(source.listing(), job)
    except (SourceError, CannotList) as error:
        job.shared[_LISTED] = str(error)
        raise CannotList(str(error)) from error
    job.shared[_LISTED] = listing
    return listing


def _believed(listing: Listing, job: Job) -> Listing:
    if job.target.kind in LIVE and not listing.models:
        raise CannotList("it shows no model at all: is it empty, or may our account see none?")
    return listing


def is_served(listing: Listing) -> Callable[[Artifact], bool]:
    """A test of artifacts: whether production serves their version."""
    served = served_by_production(listing)

    def test(artifact: Artifact) -> bool:
        return (artifact.model, artifact.version) in served

    return test
