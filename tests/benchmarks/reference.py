"""What the tools say when they are run directly on a checkout, by the reference commands.

Deliberately apart from the adapters: own commands, own reading of the reports.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from compline.config.schema import Config
from compline.scanners.trivy.command import RULES as TRIVY_SECRET_RULES
from compline.tools.toolbox import Toolbox

_RULES = Path(__file__).parents[2] / "include" / "compline" / "scanners" / "rules"


@dataclass(frozen=True, order=True)
class Statement:
    """One statement of a tool, reduced to what identifies it on one checkout."""

    scanner: str
    rule: str
    path: str
    line: int
    what: str = ""
    """Package and version, or the licence; empty for spans."""


@dataclass(frozen=True)
class Run:
    """What one tool said of one checkout."""

    statements: tuple[Statement, ...]
    """Each must be in the store."""
    seconds: float
    repeated: tuple[Statement, ...] = ()
    """Said once more, of other content on the same line or without one: may be in the store."""
    unfinished: frozenset[str] = frozenset()
    """Files of which the tool says that it ran out of time there."""


class Reference:
    """The tools as somebody would run them by hand, with the same data as Compline."""

    def __init__(self, config: Config, scratch: Path, trivy_cache: Path, osv_url: str) -> None:
        box = Toolbox(config.workspace)
        self._tools = {
            n: box.get(n).executable for n in ("bandit", "semgrep", "pip-audit", "trivy")
        }
        self._limit = config.limits.file_kb * 1024
        self._forbidden = tuple(config.scanners.trivy.forbidden_licences)
        self._osv_url = osv_url
        self._cache = trivy_cache
        self._scratch = scratch
        self._secret_rules = scratch / "trivy-secret-reference.yaml"
        self._secret_rules.write_text(TRIVY_SECRET_RULES)
        for name in ("empty.yaml", "empty-ignore"):
            (scratch / name).write_text("{}\n" if name.endswith("yaml") else "")

    def bandit(self, checkout: Path) -> Run:
        """`bandit -r . -x '' --ignore-nosec`."""
        report, seconds = self._report(
            [self._tools["bandit"], "-r", ".", "-x", "", "--ignore-nosec", "-f", "json", "-q"],
            checkout,
            (0, 1),
        )
        found = [
            Statement("bandit", one["test_id"], _tidy(one["filename"]), one["line_number"])
            for one in report["results"]
        ]
        return Run(tuple(sorted(found)), seconds)

    def semgrep(self, checkout: Path) -> Run:
        """Our packs and size limit, every ignore file off."""
        report, seconds = self._report(
            [
                self._tools["semgrep"], "scan", "--json", "--quiet", "--metrics=off",
                "--disable-version-check", "--no-git-ignore", "--x-ignore-semgrepignore-files",
                "--disable-nosem", f"--max-target-bytes={self._limit}",
                "--config", _RULES / "ai", "--config", _RULES / "python", ".",
            ],
            checkout,
            (0, 1, 2),
        )  # fmt: skip
        found = {
            Statement(
                "semgrep", one["check_id"].rpartition(".")[2], _tidy(one["path"]),
                one["start"]["line"], f"{one['start']['col']}-{one['end']['line']}",
            )
            for one in report["results"]
        }  # fmt: skip
        unfinished = {
            _tidy(one["path"])
            for one in report["errors"]
            if "Timeout" in str(one.get("type")) and one.get("path")
        }
        return Run(tuple(sorted(found)), seconds, unfinished=frozenset(unfinished))

    def trivy(self, checkout: Path) -> Run:
        """All its scanners over the tree, every ignore and configuration file of it off.

        Development dependencies too: build machines and notebooks run them.
        """
        report, seconds = self._report(
            [
                self._tools["trivy"], "fs", "--format", "json", "--quiet",
                "--cache-dir", self._cache,
                "--scanners", "vuln,misconfig,secret,license", "--offline-scan", "--skip-db-update",
                "--skip-java-db-update", "--skip-check-update", "--skip-version-check",
                "--skip-vex-repo-update", "--disable-telemetry", "--include-dev-deps",
                "--ignorefile", self._scratch / "empty-ignore",
                "--config", self._scratch / "empty.yaml", "--secret-config", self._secret_rules,
                "--timeout", "60m", ".",
            ],
            checkout,
            (0,),
        )  # fmt: skip
        statements: list[Statement] = []
        repeated: list[Statement] = []
        seen = set()
        for one, spot in self._trivy_statements(report, checkout):
            (repeated if (one, spot) in seen else statements).append(one)
            seen.add((one, spot))
        return Run(tuple(sorted(statements)), seconds, tuple(sorted(repeated)))

    def pip_audit(self, checkout: Path) -> Run:
        """Over the pinned lines of every requirements file, one process a file."""
        found: set[Statement] = set()
        seconds = 0.0
        for path in sorted(checkout.rglob("*requirements*.txt")):
            pins = _pins(path)
            if not pins or ".git" in path.parts or path.is_symlink():
                continue
            with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=self._scratch) as file:
                file.write("\n".join(f"{name}=={version}" for name, version in pins.items()))
                file.flush()
                report, took = self._report(
                    [
                        self._tools["pip-audit"], "-r", file.name, "--no-deps", "--disable-pip",
                        "-s", "osv", "--osv-url", self._osv_url, "--format", "json",
                        "--progress-spinner", "off",
                    ],
                    checkout,
                    (0, 1),
                )  # fmt: skip
            seconds += took
            for dependency in report["dependencies"]:
                for one in dependency.get("vulns", ()):
                    what = f"{dependency['name']}=={dependency['version']}"
                    group = min([one["id"], *one["aliases"]])
                    place = str(path.relative_to(checkout))
                    found.add(Statement("pip-audit", group, place, 0, what))
        return Run(tuple(sorted(found)), seconds)

    def _report(
        self, command: list[Any], cwd: Path, good: tuple[int, ...]
    ) -> tuple[dict[str, Any], float]:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self._scratch), "LANG": "C.UTF-8",
            "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0",
        }  # fmt: skip
        began = time.monotonic()
        done = subprocess.run(
            [str(word) for word in command], cwd=cwd, env=environment, capture_output=True,
            check=False,
        )  # fmt: skip
        seconds = time.monotonic() - began
        if done.returncode not in good:
            raise SystemExit(
                f"{command[0]} ended with {done.returncode} in {cwd}: "
                f"{done.stderr.decode(errors='replace')[-2000:]}"
            )
        report: dict[str, Any] = json.loads(done.stdout)
        return report, seconds

    def _trivy_statements(
        self, report: dict[str, Any], checkout: Path
    ) -> Iterator[tuple[Statement, object]]:
        """Each with the place where trivy says that it is."""
        for result in report.get("Results", ()):
            target = result["Target"]
            for one in result.get("Vulnerabilities", ()):
                python = one.get("PkgIdentifier", {}).get("PURL", "").startswith("pkg:pypi/")
                name = canonicalize_name(one["PkgName"]) if python else one["PkgName"]
                path = one.get("PkgPath") or target
                what = f"{name}=={one['InstalledVersion']}"
                yield Statement("trivy", one["VulnerabilityID"], path, 0, what), path
            for one in result.get("Misconfigurations", ()):
                if one.get("Status") == "FAIL":
                    cause = one.get("CauseMetadata", {})
                    path = _file_meant(target, checkout)
                    spot = (target, cause.get("StartLine", 0))
                    yield (
                        Statement("trivy", one["ID"], path, _own_line(checkout / path, cause)),
                        spot,
                    )
            for one in result.get("Secrets", ()):
                yield Statement("trivy", one["RuleID"], target, one["StartLine"]), target
            for one in result.get("Licenses", ()):
                if self._is_forbidden(one["Name"]):
                    path = one.get("FilePath") or target
                    yield Statement("trivy", "forbidden-licence", path, 0, one["PkgName"]), path

    def _is_forbidden(self, licence: str) -> bool:
        return any(licence.removesuffix(s) in self._forbidden for s in ("", "-only", "-or-later"))


def _tidy(path: str) -> str:
    return path.removeprefix("./")


def _file_meant(target: str, checkout: Path) -> str:
    """Trivy leaves out the suffix of Ansible's files, and puts a module's name before its path."""
    parts = target.split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    for name in (target, f"{target}.yml", f"{target}.yaml", *tails[1:]):
        if (checkout / name).is_file():
            return name
    return target


def _own_line(file: Path, cause: dict[str, Any]) -> int:
    """The reported line if it is the file's, else 0: charts and plans are rendered first."""
    if not file.is_file():
        return 0
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    for one in (cause.get("Code") or {}).get("Lines") or ():
        number, content = one["Number"], one.get("Content", "")
        quoted = one.get("IsCause") and not one.get("Truncated")
        if quoted and (number > len(lines) or lines[number - 1].rstrip("\r") != content):
            return 0
    line: int = cause.get("StartLine", 0)
    return line


def _pins(path: Path) -> dict[str, str]:
    """Lines `name==version` of a requirements file, without what else may stand in one."""
    found = {}
    pattern = re.compile(
        r"^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*==\s*([\w.!+-]+)\s*(?:[;#\\].*)?$"
    )
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = pattern.match(line.strip())
        if match:
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return found
