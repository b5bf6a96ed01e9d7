"""What tests of several parts share: PostgreSQL, a receiver of alerts, a certificate, tools."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from airflow_server import bad_airflow, recording  # noqa: F401 - fixtures
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from postgres import postgres_database, serving_postgres
from receivers import mailbox, pagerduty, receiver, slack  # noqa: F401 - fixtures
from services import (  # noqa: F401 - hooks
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

from compline.scanners import registry
from compline.tools.toolbox import Toolbox

# A background job of a shell ignores SIGINT, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def installed_tools() -> Path:
    """The scanners' own environments, where the project keeps them; installed now if missing."""
    needed = dict.fromkeys(tool for name in registry.names() for tool in registry.tools(name))
    Toolbox(ROOT / ".compline").install(needed)
    return ROOT / ".compline" / "tools"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "certificate.pem", folder / "key.pem"


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
