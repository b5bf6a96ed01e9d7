"""The demo organisation in a workspace of its own, with the tools that are installed once."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from compline.demo import organisation


class Demo:
    """A demo organisation and its configuration, which a test may change."""

    def __init__(self, home: Path, tools: Path) -> None:
        self.home = home
        self.workspace = home / "work"
        self.workspace.mkdir(parents=True)
        (self.workspace / "tools").symlink_to(tools)
        self.config = organisation.build(home / "demo", self.workspace)

    def advance(self) -> list[str]:
        """The commit before the second night."""
        return organisation.advance(self.home / "demo")

    def change(self, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
        """Rewrites the configuration."""
        raw = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        change(raw)
        self.config.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")


@pytest.fixture
def demo(tmp_path: Path, installed_tools: Path) -> Demo:
    """A demo organisation before its first night."""
    return Demo(tmp_path, installed_tools)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Host and port of the Distribution registry, empty."""
    if not shutil.which("docker-registry"):
        pytest.skip("docker-registry is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": host},
    }
    file = tmp_path / "registry.yml"
    file.write_text(yaml.safe_dump(settings))
    with subprocess.Popen(
        ["docker-registry", "serve", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(100):
                try:
                    httpx.get(f"http://{host}/v2/").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield host
        finally:
            process.terminate()
