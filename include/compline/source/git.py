"""git as it is started here: without anybody's configuration, hooks, prompts or other helpers."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from compline.config.schema import Limits
from compline.source.credentials import Access
from compline.source.process import Bounds, Finished, Process, run

_GLOBAL = Path(__file__).with_name("gitconfig.txt")
"""The only configuration file that git reads besides a mirror's own; for the server's side of
file:// too, which does not get the settings below."""

_NOTHING = "/dev/null"
"""As HOME or GIT_DIR: a place in which nobody can put a file (.netrc, attributes, hooks, keys)."""

_PASSED = (
    "PATH",
    "TMPDIR",
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""What is taken from our own environment: the way to the network, and whom to trust there."""

_SETTINGS: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", _NOTHING),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("core.packedGitWindowSize", "32m"),
    ("core.packedGitLimit", "256m"),
    ("protocol.version", "2"),
    ("http.followRedirects", "false"),
    # Bytes per second, seconds: a stalled transfer ends by itself, even one that lost its parent.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    ("http.sslVerify", "true"),
    ("transfer.credentialsInUrl", "die"),
    # Servers may ask for further downloads from elsewhere.
    ("transfer.bundleURI", "false"),
    ("fetch.uriProtocols", ""),
    ("fetch.recurseSubmodules", "false"),
    # Always packs: fewer files, faster reading. Old malformed objects (fsckObjects) are let in:
    # public histories have them, and nothing here trusts a name in a tree.
    ("fetch.unpackLimit", "1"),
    ("transfer.fsckObjects", "false"),
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
)


@dataclass(frozen=True)
class Git:
    """How to start git; a value, cheap to make anew with other access."""

    limits: Limits
    directory: Path | None = None
    """The repository, None for commands that need none."""
    protocol: str = ""
    """The one transport allowed (file, http, https, ssh); empty for none, lazy fetches included."""
    access: Access = field(default_factory=Access)
    file_bytes: int | None = None
    """Largest file that git may write."""

    def at(self, directory: Path) -> Git:
        """The same for another repository."""
        return replace(self, directory=directory)

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        output_limit: int = 1 << 24,
        pass_fds: Collection[int] = (),
    ) -> Finished:
        """Runs one command to its end.

        Raises:
            SourceError: git is not there, took too long, or printed too much (bytes).
        """
        return run(
            ["git", *arguments],
            environment=self._environment(),
            bounds=self._bounds,
            stdin=stdin,
            output_limit=output_limit,
            pass_fds=pass_fds,
        )

    def start(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Process:
        """Starts one command, to be read while it runs and closed as a context manager.

        Raises:
            SourceError: git is not there.
        """
        environment = self._environment() | dict(variables or {})
        return Process(["git", *arguments], environment=environment, bounds=self._bounds)

    @property
    def _bounds(self) -> Bounds:
        return Bounds(
            seconds=self.limits.git_seconds,
            file_bytes=self.file_bytes,
            memory_bytes=self.limits.tool_memory_mb << 20,
        )

    def _environment(self) -> dict[str, str]:
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        environment |= {
            "HOME": _NOTHING,
            "LC_ALL": "C",
            # Always explicit, so that git looks for no repository around its working directory.
            "GIT_DIR": str(self.directory or _NOTHING),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(_GLOBAL),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            # Stronger than any protocol.*.allow, and inherited by every child.
            "GIT_ALLOW_PROTOCOL": self.protocol,
        }
        environment |= dict(self.access.environment)
        return environment | _as_variables((*_SETTINGS, *self.access.settings))


def _as_variables(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Settings with the rank of `-c`, above a repository's own, but on no command line."""
    variables: dict[str, str] = {}
    count = 0
    for key, value in settings:
        variables[f"GIT_CONFIG_KEY_{count}"] = key
        variables[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    variables["GIT_CONFIG_COUNT"] = str(count)
    return variables
