"""The demo organisation: builds it, moves it on by one commit, removes it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import yaml

from compline.demo.history import Tree, commits, write_repository
from compline.demo.image import write_image
from compline.demo.models import tamper, write_models

_CONTENT = Path(__file__).parent / "content"
_MESSAGES = ("First version", "Second version")
_FILES = ("stores.csv", "scoring.log", "release.pub")
"""What lies in the organisation's folder as it lies in ours."""
# Put together here so that no scanner of this repository takes them for real keys.
_PLACEHOLDERS = {
    b"@@AWS_KEY_ID@@": b"AKIA" + b"QYLPMN5HHTR2ZK7D",
    b"@@AWS_SECRET_KEY@@": b"kT9v" + b"Q2sXb7LmW4zRj8NcY1uHf6GdPa3EoViB5Cq0",
}


def config_file(home: Path) -> Path:
    """The demo's compline.yaml."""
    return home / "compline.yaml"


def build(home: Path, workspace: Path) -> Path:
    """Makes the organisation under `home` as it is before its first night; keeps one that stands.

    Returns its compline.yaml, whose workspace is the given one.
    """
    for name in _names():
        repository = _repository(home, name)
        if not commits(repository):
            write_repository(repository, _trees(name)[:1], _MESSAGES[:1])
    image = _image(home)
    if not image.exists():
        write_image(image, _PLACEHOLDERS)
    write_models(home / "models")
    for name in _FILES:
        (home / name).write_bytes(_filled((_CONTENT / name).read_bytes()))
    config_file(home).write_text(_config(home, workspace), encoding="utf-8")
    return config_file(home)


def built_at(home: Path) -> datetime:
    """When the organisation was made; what stands is not made again, so this stays."""
    return datetime.fromtimestamp(_image(home).stat().st_mtime, UTC)


def advance(home: Path) -> list[str]:
    """Moves on by one commit, once; gives the names of the repositories that moved.

    A byte of the model that production serves changes too, under the same version.
    """
    moved = []
    for name in _names():
        trees = _trees(name)
        if commits(_repository(home, name)) < len(trees):
            write_repository(_repository(home, name), trees, _MESSAGES[: len(trees)])
            moved.append(name)
    tamper(home / "models")
    return moved


def reset(home: Path) -> None:
    """Removes the organisation; `build` starts again before the first night."""
    shutil.rmtree(home, ignore_errors=True)


def _names() -> list[str]:
    return sorted(folder.name for folder in _CONTENT.iterdir() if folder.is_dir())


def _repository(home: Path, name: str) -> Path:
    return home / "repositories" / f"{name}.git"


def _image(home: Path) -> Path:
    return home / "images" / "scoring-image.tar"


def _trees(name: str) -> list[Tree]:
    return [_tree(step) for step in sorted((_CONTENT / name).iterdir())]


def _tree(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): _filled(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _filled(content: bytes) -> bytes:
    for placeholder, value in _PLACEHOLDERS.items():
        content = content.replace(placeholder, value)
    return content


def _config(home: Path, workspace: Path) -> str:
    config = {
        "organisation": "demo",
        "workspace": str(workspace),
        "targets": {
            "repositories": [
                {
                    "name": name,
                    "url": f"file://{_repository(home, name)}",
                    "branch": "main",
                    "labels": {"team": name.split("-", maxsplit=1)[0]},
                }
                for name in _names()
            ],
            "images": [
                {"name": "scoring-image", "archive": str(_image(home))},
            ],
            "data_stores": [
                {"name": "stores", "kind": "inventory", "path": str(home / "stores.csv")}
            ],
            "models": [
                {
                    "name": "scoring-models",
                    "url": str(home / "models"),
                    "layout": "models",
                    "models": {"production": "1", "keys": [str(home / "release.pub")]},
                }
            ],
            "pipelines": [
                {
                    "name": "fraud-features",
                    "dag": "fraud_features",
                    "repository": "fraud-model",
                    "flow_file": "compline-pipeline.yaml",
                    "dag_file": "dags/features.py",
                }
            ],
            "endpoints": [
                {
                    "name": "scoring",
                    "url": "https://scoring.demo.example/v1/score",
                    "labels": {"exposure": "internet"},
                }
            ],
            "logs": [{"name": "scoring-log", "files": [str(home / "scoring.log")]}],
        },
        # The rest is discovered: the flow, the model's card and the image's labels tell it.
        "links": [
            {
                "from": "repository/scoring-api",
                "to": "image/scoring-image",
                "how": "is built into",
            },
            {"from": "image/scoring-image", "to": "endpoint/scoring", "how": "runs in"},
        ],
        # Nothing answers under an endpoint's address offline: the ledger says that nobody asked.
        "scanners": {name: {"enabled": False} for name in ("endpoint-guard", "endpoint-dynamic")},
        "advisories": {"osv": "bundled", "trivy_db": "bundled"},
    }
    head = "# The demo organisation, written by `compline demo build`.\n"
    return head + yaml.safe_dump(config, sort_keys=False)
