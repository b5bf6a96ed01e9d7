"""What must never be committed, and what the deployment files promise."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from compline.config.scanners import Scanners
from compline.scanners import registry

UNFINISHED = re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX)\b")
SECRETS = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abp]-[0-9A-Za-z-]{20,}"
    r"|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{30,}|AIza[0-9A-Za-z_-]{35}|glpat-[0-9A-Za-z_-]{20}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40,}"
)
FAKE = re.compile(r"fake|xxxx|example", re.IGNORECASE)
# Recorded reports and other people's data are as they are.
DATA = re.compile(r"(^|/)(golden|recorded|rules)/|\.jsonl|requirements/.*\.txt$")


def problems(files: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}: {found[0][:60]!r}" for name, text in files.items()
        for found in pattern.finditer(text)
    ]  # fmt: skip


def test_nothing_is_left_unfinished(committed: dict[str, str]) -> None:
    own = {name: text for name, text in committed.items() if not DATA.search(name)}
    assert problems(own, UNFINISHED) == []


def test_no_secret_is_committed(committed: dict[str, str]) -> None:
    found = [one for one in problems(committed, SECRETS) if not FAKE.search(one)]
    assert found == []


def test_no_path_of_a_machine_is_committed(committed: dict[str, str], root: Path) -> None:
    """Neither this checkout's nor anybody's home."""
    here = re.escape(str(root))
    homes = r"/(?:home|Users)/(?!user\b|\.\.|\$)[a-z][a-z0-9_-]+/"
    pattern = re.compile(rf"{here}\b|{homes}")
    own = {name: text for name, text in committed.items() if not DATA.search(name)}
    assert problems(own, pattern) == []


def test_no_package_index_is_committed(committed: dict[str, str]) -> None:
    """Neither the one that this machine uses, nor any in what is installed from."""
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
    words = " ".join(os.environ.get(name, "") for name in names).split()
    hosts = {host for word in words if (host := urlsplit(word.partition("=")[2] or word).hostname)}
    own = {name: text for name, text in committed.items() if not name.startswith("tests/")}
    for host in hosts:
        assert problems(committed, re.compile(re.escape(host))) == []
    installing = {
        name: text for name, text in own.items()
        if name.startswith(("requirements/", "include/compline/tools/requirements/", ".ci/"))
        or name in ("Makefile", "Dockerfile", "pyproject.toml", "docker-compose.yaml")
    }  # fmt: skip
    pattern = re.compile(
        r"(?m)^\s*(?:-i|--(?:extra-)?index-url|--find-links)\b|https?://[^\s\"']*simple"
    )
    assert problems(installing, pattern) == []
    assert "uv.lock" not in committed


@pytest.fixture
def requirement_files(root: Path) -> list[Path]:
    folders = (root / "requirements", root / "include" / "compline" / "tools" / "requirements")
    return [path for folder in folders for path in sorted(folder.glob("*.txt"))]


def test_requirements_are_pinned_with_hashes(requirement_files: list[Path]) -> None:
    assert len(requirement_files) >= 8
    for path in requirement_files:
        entries = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        entries = [line for line in entries if line.strip() and not line.startswith("#")]
        assert entries, path
        for line in entries:
            assert re.match(r"^[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==[^\s;]+", line), line
            assert "--hash=sha256:" in line, line


def test_every_in_file_is_compiled(root: Path, requirement_files: list[Path]) -> None:
    sources = {p.with_suffix(".txt") for folder in {f.parent for f in requirement_files}
               for p in folder.glob("*.in")}  # fmt: skip
    assert sources == set(requirement_files)


def test_what_both_need_is_the_same_version(root: Path) -> None:
    def pins(name: str) -> dict[str, str]:
        text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==([^\s;]+)", text, re.MULTILINE))

    shipped = pins("compline")
    for name in ("dev", "distributed"):
        other = pins(name)
        differing = {p for p in set(shipped) & set(other) if shipped[p] != other[p]}
        assert differing == set()


def test_every_scanner_has_a_section() -> None:
    sections = {field.alias or name for name, field in Scanners.model_fields.items()}
    assert sections == set(registry.names())


class Compose:
    """docker-compose.yaml, read as Compose does (anchors, merges)."""

    def __init__(self, root: Path) -> None:
        self.text = (root / "docker-compose.yaml").read_text(encoding="utf-8")
        self.example = (root / "docker-compose.env.example").read_text(encoding="utf-8")
        self.services: dict[str, Any] = yaml.safe_load(self.text)["services"]


@pytest.fixture
def compose(root: Path) -> Compose:
    return Compose(root)


def test_images_are_pinned(compose: Compose) -> None:
    for name, service in compose.services.items():
        image = service["image"]
        # Our own image is built from this checkout (see Dockerfile), so its tag is the deployer's.
        if image.startswith("${COMPLINE_IMAGE:-compline:"):
            continue
        assert re.fullmatch(
            r"[a-z0-9./-]+:\d+(\.\d+)*(-[a-z0-9]+)?(@sha256:[0-9a-f]{64})?", image
        ), name


def test_base_images_are_pinned(root: Path) -> None:
    dockerfile = (root / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    assert all(re.search(r":\d+\.\d+", base) for base in bases)
    assert re.search(r"^USER (?!root|0)", dockerfile, re.MULTILINE)
    assert "--require-hashes" in dockerfile


def test_no_password_is_literal(compose: Compose) -> None:
    for name, service in compose.services.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|FERNET|TOKEN", key):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?\}", str(value)), f"{name}: {key}"
            filled = re.sub(r"\$\{[A-Z_]+:\?\}", "REFERENCE", str(value))
            address = re.search(r"://[^/@\s:]*:([^@\s]*)@", filled)
            assert address is None or address[1] == "REFERENCE", f"{name}: {key}"


def test_the_example_names_every_needed_secret_and_gives_none(compose: Compose) -> None:
    needed = set(re.findall(r"\$\{([A-Z_]+):\?\}", compose.text))
    lines = [line for line in compose.example.splitlines() if line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    assert set(given) == needed
    assert set(given.values()) == {""}


def test_every_service_tells_its_health(compose: Compose) -> None:
    for name, service in compose.services.items():
        # What runs once and ends is waited for by `service_completed_successfully`.
        assert "healthcheck" in service or service.get("restart") == "no", name


def test_only_loopback_is_published(compose: Compose) -> None:
    ports = [port for service in compose.services.values() for port in service.get("ports", [])]
    assert ports
    assert all(str(port).startswith("127.0.0.1:") for port in ports)


def test_ci_runs_the_readmes_test_command(root: Path) -> None:
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^make test$", script.read_text(encoding="utf-8"), re.MULTILINE)
    ignored = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/.compline/" in ignored
