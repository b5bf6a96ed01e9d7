"""A service of the tests starts once: who uses one from elsewhere is refused at collection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import services


def item(file: str, *fixtures: str) -> Any:
    return SimpleNamespace(nodeid=f"{file}::test_it", fixturenames=fixtures)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the service had been loaded."""
    monkeypatch.setattr(services, "_MARKED", {"mlflow_servers"})


@pytest.mark.usefixtures("marked")
def test_a_service_is_used_where_it_is_said_to_be() -> None:
    live = item("tests/scanners/registry_permissions/live/test_live.py", "mlflow_servers")
    services.pytest_collection_modifyitems([live, item("tests/cli/test_scan.py", "tmp_path")])


@pytest.mark.usefixtures("marked")
def test_elsewhere_it_is_refused() -> None:
    elsewhere = item("tests/cli/test_scan.py", "mlflow_servers")
    with pytest.raises(pytest.UsageError, match=r"test_scan\.py uses mlflow_servers"):
        services.pytest_collection_modifyitems([elsewhere])


def test_a_fixture_cannot_call_itself_a_service() -> None:
    def another() -> None:
        """Of no folder that services.py knows."""

    with pytest.raises(AssertionError, match="where another is used"):
        services.service(another)
