"""The embedded Airflow: everything under the workspace, on loopback, with generated secrets."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cryptography.fernet import Fernet

ADMIN = "admin"


@dataclass(frozen=True)
class Embedded:
    """Where the embedded Airflow lives and which configuration it runs."""

    workspace: Path
    project: Path
    """The folder that holds dags/ and plugins/."""
    config: Path
    """The compline.yaml."""
    port: int = 8080

    @property
    def home(self) -> Path:
        """AIRFLOW_HOME."""
        return self.workspace / "airflow"

    @property
    def passwords(self) -> Path:
        """The simple auth manager's file: user name to password."""
        return self.home / "passwords.json"

    def environment(self) -> dict[str, str]:
        """The environment for every Airflow command; inherits ours, overrides what matters."""
        keys = self._keys()
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "COMPLINE_CONFIG": str(self.config),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.project / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__FERNET_KEY": keys["fernet"],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,auditor:viewer",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": keys["api"],
            "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt"],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        }

    @property
    def url(self) -> str:
        """Where the pages are; loopback only."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Creates the home, its secrets and its database; quick when they are there.

        Raises:
            RuntimeError: the database could not be made; the message names the log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self._password_file()
        marker = self.home / ".migrated"
        current = version("apache-airflow-core")
        if marker.exists() and marker.read_text(encoding="utf-8") == current:
            return
        log = self.home / "migrate.log"
        with log.open("wb") as output:
            done = subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"airflow db migrate failed; see {log}")
        marker.write_text(current, encoding="utf-8")

    def password(self, user: str = ADMIN) -> str:
        """The generated password of a user."""
        return str(json.loads(self.passwords.read_text(encoding="utf-8"))[user])

    def _password_file(self) -> None:
        if not self.passwords.exists():
            generated = {user: secrets.token_urlsafe(16) for user in (ADMIN, "auditor")}
            _write_private(self.passwords, json.dumps(generated))

    def _keys(self) -> dict[str, str]:
        path = self.home / "keys.json"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            keys = {
                "fernet": Fernet.generate_key().decode(),
                "api": secrets.token_urlsafe(32),
                "jwt": secrets.token_urlsafe(64),
            }
            _write_private(path, json.dumps(keys))
        loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return loaded


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
