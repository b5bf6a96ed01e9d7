"""What tests of several parts share: a real PostgreSQL, a receiver of alerts, the tools."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import postgres_database, serving_postgres
from receivers import mailbox, pagerduty, receiver, slack  # noqa: F401 - fixtures

from compline.tools.toolbox import Toolbox

# A background job of a shell ignores SIGINT, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def installed_tools() -> Path:
    """The scanners' own environments, where the project keeps them; installed now if missing."""
    Toolbox(ROOT / ".compline").install()
    return ROOT / ".compline" / "tools"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server's maintenance database, where databases may be created."""
    # Durability is PostgreSQL's own business; the tests kill clients, not the server.
    with serving_postgres("fsync=off") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a database of the test's own."""
    with postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_session_url(postgres_server: str) -> Iterator[str]:
    """URL of one database for the whole session, for tests that clean up after themselves."""
    with postgres_database(postgres_server) as url:
        yield url
