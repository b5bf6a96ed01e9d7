"""A working copy in which the real tools run as they do in a CI job."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from compline.advisories.osv import osv_origin
from compline.advisories.service import OsvService
from compline.advisories.trivydb import trivy_database
from compline.config.schema import Advisories
from compline.scanners.trivy.canary import canary_secret
from compline.tools.toolbox import Toolbox

NAME = "shop"


# Put together here, so that this file holds no secret.
PASSWORD = "Zq7" + "mVbL2xKrT9wN4"


SECRET = canary_secret()


RUN = f'''import pickle
import subprocess


def load(data):
    return pickle.loads(data)


def run(command):
    subprocess.call(command, shell=True)


def login(user):
    return connect(user, password="{PASSWORD}")
'''


RULES = """rules:
  - id: shell-true
    languages: [python]
    severity: ERROR
    message: $F runs $X in a shell
    pattern: $F($X, shell=True)
    metadata:
      cwe: ["CWE-78: Improper Neutralization of Special Elements used in an OS Command"]
      confidence: HIGH
  - id: unpickled
    languages: [python]
    severity: WARNING
    message: pickle of $X
    pattern: pickle.loads($X)
    metadata: {cwe: "CWE-502: Deserialization of Untrusted Data"}
"""


LOCK = {
    "name": "shop",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "shop", "version": "1.0.0", "dependencies": {"lodash": "4.17.10"}},
        "node_modules/lodash": {"version": "4.17.10"},
    },
}


TREE = {
    "app/run.py": RUN,
    "app/fine.py": "def add(a, b):\n    return a + b\n",
    "requirements.txt": "flask==2.0.0\nwerkzeug==0.11\n",
    "package-lock.json": json.dumps(LOCK, indent=1),
    "deploy/Dockerfile": "FROM debian:12\nUSER root\n",
    "deploy/settings.ini": f"[x]\ntoken = {SECRET}\n",
}


class Checkout:
    """A working copy in which tools run as they come."""

    def __init__(self, home: Path, tools: Toolbox) -> None:
        self.path = home / "builds" / NAME
        self.home = home
        self._tools = tools
        (home / "rules").mkdir(parents=True)
        (home / "rules" / "rules.yaml").write_text(RULES)

    def write(self, tree: dict[str, str]) -> None:
        for name, text in tree.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)

    def tool(self, name: str, *arguments: str | Path, codes: Sequence[int] = (0, 1)) -> bytes:
        """The tool's standard output."""
        done = subprocess.run(
            [self._tools.get(name).executable, *arguments],
            cwd=self.path,
            capture_output=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "SEMGREP_SEND_METRICS": "off",
                "NO_PROXY": "127.0.0.1",
            },
            check=False,
        )
        assert done.returncode in codes, done.stderr.decode()
        return done.stdout

    def bandit(self, *more: str) -> bytes:
        return self.tool("bandit", "-q", "-r", ".", "-f", "json", *more)

    def semgrep(self, form: str = "--json", *more: str) -> bytes:
        return self.tool(
            "semgrep", "scan", "--quiet", "--metrics", "off", "--disable-version-check",
            "--no-git-ignore", "--config", self.home / "rules", form, *more, ".",
        )  # fmt: skip

    def pip_audit(self, form: str = "json") -> bytes:
        origin = osv_origin(Advisories(osv="bundled"), self.home, datetime.now(UTC))
        source = origin.load()
        with OsvService(source, most_queries=100) as service:
            try:
                return self.tool(
                    "pip-audit", "-r", "requirements.txt", "--no-deps", "--disable-pip",
                    "--vulnerability-service", "osv", "--osv-url", service.url,
                    "--format", form, "--aliases", "on", "--desc", "off",
                    "--progress-spinner", "off",
                )  # fmt: skip
            finally:
                source.close()

    def trivy(self, form: str = "json") -> bytes:
        home = self.home / "trivy"
        advisories = Advisories(trivy_db="bundled")
        database = trivy_database(advisories, home, datetime.now(UTC), lambda *_: None)
        return self.tool(
            "trivy", "fs", "--quiet", "--format", form, "--cache-dir", database.directory,
            "--scanners", "vuln" if form == "cyclonedx" else "vuln,misconfig,secret,license",
            "--skip-db-update", "--skip-java-db-update", "--offline-scan", "--skip-version-check",
            "--skip-check-update", "--skip-vex-repo-update", "--list-all-pkgs=false", ".",
        )  # fmt: skip
