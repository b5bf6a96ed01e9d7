"""The targets that compline.yaml lists."""

from __future__ import annotations

from pydantic import BaseModel

from compline.config.schema import Config
from compline.config.targets import DataStore, Image, ModelRegistry, Repository
from compline.model import Target, TargetKind


class Listed:
    """Discovery from the configuration's own list; it cannot fail."""

    def discover(self, config: Config) -> tuple[Target, ...]:
        """The listed targets in the order of the file, kind by kind."""
        targets = config.targets
        return (
            *(_repository(entry) for entry in targets.repositories),
            *(_image(entry) for entry in targets.images),
            *(_data_store(entry) for entry in targets.data_stores),
            *(_model_registry(entry) for entry in targets.model_registries),
        )


def _settings(entry: BaseModel) -> dict[str, object]:
    return entry.model_dump(mode="json", exclude={"name", "labels"}, exclude_defaults=False)


def _repository(entry: Repository) -> Target:
    return Target(
        kind=TargetKind.REPOSITORY,
        name=entry.name,
        locator=entry.url,
        ref=entry.branch,
        labels=entry.labels,
        settings=_settings(entry),
    )


def _image(entry: Image) -> Target:
    return Target(
        kind=TargetKind.IMAGE,
        name=entry.name,
        locator=str(entry.archive) if entry.archive else f"docker://{entry.reference}",
        labels=entry.labels,
        settings=_settings(entry),
    )


def _data_store(entry: DataStore) -> Target:
    return Target(
        kind=TargetKind.DATA_STORE,
        name=entry.name,
        locator=str(entry.path) if entry.path else str(entry.url),
        labels=entry.labels,
        settings=_settings(entry),
    )


def _model_registry(entry: ModelRegistry) -> Target:
    return Target(
        kind=TargetKind.MODEL_REGISTRY,
        name=entry.name,
        locator=entry.url,
        labels=entry.labels,
        settings=_settings(entry),
    )
