"""Services start once per run of all tests: files that use the same one run in one process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

_TOGETHER = {
    "bad_airflow": (
        "tests/scanners/airflow_audit/live/test_standalone.py",
        "tests/scanners/pipeline_flows/live/",
    ),
    "looked_at": ("tests/gate/",),
    "mlflow_servers": ("tests/scanners/registry_permissions/live/",),
}
"""By service: the files and folders that use it. The process that hands out the tests has read
nothing but their names."""
_MARKED: set[str] = set()


def service(start: Callable[..., Any]) -> Any:
    """Marks a fixture as a service; no other fixture may have its name."""
    assert start.__name__ in _TOGETHER, f"where {start.__name__} is used belongs into {__file__}"
    _MARKED.add(start.__name__)
    return pytest.fixture(scope="session")(start)


class ByService(LoadFileScheduling):
    """Hands out one file after the other, and files that share a service together."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return _service_of(file) or file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Of `--numprocesses logical`: one more than there are cores, for some test always waits."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByService | None:
    """Replaces the scheduler of `--dist loadfile`."""
    return ByService(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Holds that each service is used only where it is said to be.

    Raises:
        UsageError: a test elsewhere uses one, which would start it again.
    """
    for item in items:
        file = item.nodeid.partition("::")[0]
        for name in _MARKED.intersection(getattr(item, "fixturenames", ())):
            if _service_of(file) != name:
                raise pytest.UsageError(f"{file} uses {name}: tell tests/shared/services.py so")


def _service_of(file: str) -> str | None:
    return next((name for name, where in _TOGETHER.items() if file.startswith(where)), None)
