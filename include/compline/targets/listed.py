"""The targets that compline.yaml lists."""

from __future__ import annotations

from compline.config.schema import Config
from compline.model import Target


class Listed:
    """Discovery from the configuration's own list; it cannot fail."""

    def discover(self, config: Config) -> tuple[Target, ...]:
        """The listed targets in the order of the file, kind by kind."""
        return tuple(
            Target(
                kind=entry.target_kind,
                name=entry.name,
                locator=entry.locator,
                ref=entry.ref,
                labels=entry.labels,
                settings=entry.model_dump(mode="json", exclude={"name", "labels"}),
            )
            for entries in config.targets.groups().values()
            for entry in entries
        )
