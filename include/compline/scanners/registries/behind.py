"""What a registry's gap hides besides what it names: nothing that leans on it may close. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compline.model import Gap

_LEANING = {
    "user/": ("admins", "admin/", "activity/", "production/"),
    "grant/": ("production/",),
    "default-permission": ("lifted-permission", "production/"),
    "lifted-permission": ("production/",),
    "registered_model/": ("production/", "policy/movers"),
    # Experiments are granted by their ids, and declared by their names.
    "experiment/": ("artifacts/", "grant/", "role/"),
    "workspace/": ("webhook/", "production/", "artifacts/"),
}
"""By the path of a gap the subjects of findings that are judged by what it hides."""


def behind(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """The gaps that follow from these."""
    found: dict[str, Gap] = {}
    for gap in gaps:
        for path in _LEANING.get(gap.path, ()):
            found.setdefault(path, replace(gap, path=path))
    return tuple(found.values())
