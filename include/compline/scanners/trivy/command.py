"""Starting trivy: offline, with nothing of its own configuration but what is handed in here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compline.advisories.errors import AdvisoryError
from compline.advisories.trivydb import TrivyDatabase, trivy_database
from compline.config.schema import Limits
from compline.config.secrets import SecretMissing
from compline.model import Observation, digest_of
from compline.scanners.blobs.scratch import scratch_directory
from compline.scanners.interface import CannotScan, ScanContext
from compline.scanners.secret_identity import KeyUnusable, SecretKey, parse_keys, secret_key
from compline.tools.process import Finished, ProcessLimits, ToolError, run
from compline.tools.toolbox import Tool, ToolUnavailable

_ALLOW_RULES = (
    *("dist-info", "tests", "examples", "vendor", "usr-dirs", "locale-dir", "markdown"),
    *("node.js", "golang", "python", "rubygems", "wordpress", "anaconda-log"),
)
RULES = "\n".join(
    [
        "# The lists that make the secret scanner skip files, all switched off.",
        "skip-patterns: []",
        "disable-allow-rules:",
        *(f"  - {name}" for name in _ALLOW_RULES),
        "",
    ]
)
"""Configuration of the secret scanner; part of what results depend on."""
_NO_NEWS = ("--skip-version-check", "--disable-telemetry")
_OFFLINE = (
    *("--offline-scan", "--skip-db-update", "--skip-java-db-update"),
    *("--skip-vex-repo-update", "--cache-backend", "memory"),
)
_DATABASE_MB = 16 << 10
_FATAL = re.compile(rb"^\S+\tFATAL\t[^\t]*\t(.*)", re.MULTILINE)


class TrivyFailed(Exception):
    """A trivy process gave no answer that can be believed; the message says why."""


@dataclass(frozen=True)
class Means:
    """What every use of trivy needs."""

    tool: Tool
    limits: Limits
    key: SecretKey | None
    """None where secrets are not looked for."""
    database: TrivyDatabase | None
    """None where vulnerabilities are not looked for."""

    def bound(self, found: Sequence[Observation], target: str) -> Sequence[Observation]:
        """What is said of a content, as it is said of a target that has it."""
        return found if self.key is None else self.key.of_target(target, found)


def means(context: ScanContext, scanner: str) -> Means:
    """Tool, key and database for a scanner, as far as it is set to use them.

    Raises:
        CannotScan: one of them is not to be had.
    """
    kinds = context.config.scanners.of(scanner).scanners
    limits = context.config.limits
    try:
        tool = context.tools.get("trivy")
        key = secret_key_of(context) if "secret" in kinds else None
        database = database_of(context) if "vuln" in kinds else None
    except (ToolUnavailable, KeyUnusable) as error:
        raise CannotScan(str(error)) from error
    return Means(tool, limits, key, database)


def database_of(context: ScanContext) -> TrivyDatabase:
    """The vulnerability database, fetched where it is a live one and was not asked for recently.

    Raises:
        CannotScan: it is not to be had. One that could only not be refreshed has warnings.
    """
    limits = context.config.limits
    try:
        tool = context.tools.get("trivy")
        return trivy_database(
            context.config.advisories,
            context.workspace,
            context.now,
            lambda reference, directory: _download(tool, limits, reference, directory),
        )
    except (ToolUnavailable, AdvisoryError) as error:
        raise CannotScan(str(error)) from error


def secret_key_of(context: ScanContext) -> SecretKey:
    """The configured key, else the workspace's own.

    Raises:
        KeyUnusable: there is none that can be used.
    """
    settings = context.config.secrets
    if settings.key is None:
        return secret_key(context.workspace)
    try:
        keys = [context.secrets.resolve(name) for name in (settings.key, *settings.former)]
    except SecretMissing as error:
        raise KeyUnusable(f"secrets.key: {error}") from error
    return parse_keys(keys, "secrets.key")


class Trivy:
    """Runs subcommands in one scratch directory."""

    def __init__(self, given: Means, directory: Path) -> None:
        """Lays out its files.

        Args:
            given: tool, limits and database.
            directory: an empty directory that trivy may write to.
        """
        self._means = given
        self.directory = directory
        self._settings = directory / "settings"
        self._cache = directory / "cache"
        self._neutral = directory / "neutral"
        for each in (self._settings, self._cache, self._neutral):
            each.mkdir()
        (self._settings / "trivy.yaml").write_text("{}\n")
        (self._settings / "ignore").write_text("")
        # It never looks into files whose path ends like that of its rules: no tree has this one.
        name = f"{digest_of(str(directory))}.yaml"
        self._rules = self._settings / name
        self._rules.write_text(RULES)
        if given.database is not None:
            (self._cache / "db").symlink_to((given.database.directory / "db").absolute())

    def scan(
        self, subcommand: str, arguments: Sequence[str | Path], readable: Sequence[Path] = ()
    ) -> tuple[dict[str, Any], Finished]:
        """Runs `fs`, `image` or `sbom`; gives the report and the process.

        Raises:
            TrivyFailed: it failed, or there is no report.
            ToolError: it was ended.
        """
        command: list[str | Path] = [*_OFFLINE, "--ignorefile", self._settings / "ignore"]
        if subcommand != "sbom":
            command += ["--skip-check-update", "--secret-config", self._rules]
        command += ["--format", "json", "--list-all-pkgs", "--timeout"]
        # Its own time-out is five minutes; ours ends it, and its children.
        command += [f"{self._means.limits.tool_seconds + 60}s", *arguments]
        finished = self.run(subcommand, [*_NO_NEWS, *command], readable)
        return _report(finished), finished

    def convert(self, report: Path) -> bytes:
        """The CycloneDX document of a report.

        Raises:
            TrivyFailed: it failed.
            ToolError: it was ended.
        """
        return self.run("convert", ["--format", "cyclonedx", report], ()).stdout

    def run(
        self, subcommand: str, arguments: Sequence[str | Path], readable: Sequence[Path]
    ) -> Finished:
        """Runs any subcommand to a good end."""
        limits = self._means.limits
        database = self._means.database
        finished = run(
            [
                self._means.tool.executable,
                subcommand,
                *("--config", self._settings / "trivy.yaml", "--cache-dir", self._cache),
                *arguments,
            ],
            limits=ProcessLimits(
                seconds=limits.tool_seconds,
                memory_mb=limits.tool_memory_mb,
                output_mb=limits.tool_output_mb,
            ),
            readable=[*readable, *([database.directory.absolute()] if database else [])],
            writable=[self.directory],
            cwd=self._neutral,
            # It would fetch Terraform modules with git, or else by itself.
            env={"PATH": str(self._neutral), **_NOWHERE},
        )
        _succeeded(finished, self.directory)
        return finished


_NOWHERE = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"
)
"""Proxies that are not there, for where no sandbox keeps the network away."""


@contextmanager
def scratch(given: Means, workspace: Path) -> Iterator[Trivy]:
    """A trivy in a directory of its own, which is gone afterwards, even after a kill.

    Raises:
        TrivyFailed: the disk refuses.
    """
    try:
        with scratch_directory(workspace.absolute() / "tmp" / "trivy") as directory:
            yield Trivy(given, directory)
    except OSError as error:
        raise TrivyFailed(f"{error.filename}: {error.strerror}: make room, or allow it") from error


def _report(finished: Finished) -> dict[str, Any]:
    try:
        report = json.loads(finished.stdout)
    except (ValueError, RecursionError) as error:
        raise TrivyFailed("trivy ended without a report that can be read") from error
    if not isinstance(report, dict) or report.get("SchemaVersion") != 2:
        raise TrivyFailed("trivy gave a report of another shape than version 2")
    return report


def _succeeded(finished: Finished, directory: Path) -> None:
    if finished.returncode:
        said = _FATAL.search(finished.stderr)
        # What it quotes may be out of a file, and so a secret.
        text = re.sub(r'"[^"]*"', '"..."', said[1].decode(errors="replace")) if said else ""
        text = text.replace(f"{directory}/", "")
        raise TrivyFailed(
            f"trivy ended with code {finished.returncode}" + (f": {text[:300]}" if text else "")
        )


def _download(tool: Tool, limits: Limits, reference: str, directory: Path) -> None:
    """Has trivy fetch its database; from its own registries without a reference."""
    mirror = ["--db-repository", reference] if reference else []
    where = reference or "its public registries"
    try:
        finished = run(
            [
                tool.executable,
                *("image", "--download-db-only", "--no-progress", *_NO_NEWS, *mirror),
                *("--cache-dir", str(directory)),
            ],
            limits=ProcessLimits(limits.tool_seconds, limits.tool_memory_mb, 16, _DATABASE_MB),
            writable=[directory],
            cwd=directory,
            network=True,
        )
    except ToolError as error:
        problem = str(error)
    else:
        if not finished.returncode:
            return
        problem = f"trivy ended with code {finished.returncode}"
    raise AdvisoryError(
        f"the Trivy database could not be fetched from {where} ({problem}): allow the way there, "
        "or set `advisories.trivy_db` to a directory or to oci://MIRROR"
    )
