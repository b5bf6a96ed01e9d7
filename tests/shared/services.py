"""Services start once per run of all tests: files that use the same one run in one process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

_SERVICES: set[str] = set()


def service(start: Callable[..., Any]) -> Any:
    """Marks a fixture as a service; no other fixture may have its name."""
    _SERVICES.add(start.__name__)
    return pytest.fixture(scope="session")(start)


class ByService(LoadGroupScheduling):
    """Hands out groups of files where there is a group, and else one file after the other."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return str(scope).partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByService:
    """Replaces the scheduler of `--dist loadgroup`."""
    return ByService(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups the files by their services."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        used[_file(item)] |= _SERVICES.intersection(getattr(item, "fixturenames", ()))
    groups = {path: name for name, paths in _joined(used).items() for path in paths}
    for item in items:
        if group := groups.get(_file(item)):
            item.add_marker(pytest.mark.xdist_group(group))


def _joined(used: dict[str, set[str]]) -> dict[str, set[str]]:
    """Paths by group: two files are of one group if they share a service, be it through others."""
    groups: list[tuple[set[str], set[str]]] = []
    for path, services in used.items():
        if not services:
            continue
        names, paths = set(services), {path}
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                paths |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (names, paths)]
    return {"+".join(sorted(names)): paths for names, paths in groups}


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
