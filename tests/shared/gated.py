"""An organisation with a folder of signed models, and the gate's commands over it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hostile_models as hostile
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from compline.cli.main import app
from compline.scanners import registry
from compline.tools.toolbox import Toolbox

CARD = b"---\nlicense: apache-2.0\ndatasets: [claims]\ncommit: 0123abc\nrun: r1\n---\n# Fraud\n"
FILES = {"model.safetensors": hostile.safetensors(), "README.md": CARD}
ENABLED = ("modelaudit", "picklescan", "model-guard")


@dataclass
class Gated:
    """An organisation with one folder of models."""

    home: Path
    toolbox: Toolbox
    private: Path
    public: Path
    rules: dict[str, Any] = field(default_factory=dict)
    gate: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, Any] = field(default_factory=dict)
    enabled: tuple[str, ...] = ENABLED

    @property
    def config(self) -> Path:
        return self.home / "compline.yaml"

    def copy(self, home: Path) -> Gated:
        """Another one that begins as this one is, with the same `rules`."""
        shutil.copytree(self.home, home, symlinks=True)
        keys = home / self.private.name, home / self.public.name
        return Gated(home, Toolbox(home / "work"), *keys, rules=dict(self.rules))

    def put(self, version: str, files: Mapping[str, bytes], *, sign: bool = True) -> Path:
        folder = self.home / "fraud" / version
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        if sign:
            tool = self.toolbox.get("model-signing").executable
            options = ["--private_key", self.private, "--signature", folder / "model.sig"]
            subprocess.run([tool, "sign", "key", folder, *options], check=True, capture_output=True)
        return folder

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """A command of `compline gate`, or another one that is given with its group."""
        models = {"keys": [str(self.public)], **self.rules}
        folder = {"name": "fraud", "url": "fraud", "models": models}
        raw = {
            "organisation": "acme",
            "workspace": "work",
            "targets": {"models": [folder], **self.targets},
            "scanners": {name: {"enabled": name in self.enabled} for name in registry.names()},
            "execution": {"processes": 1},
            "gate": self.gate,
            **self.sections,
        }
        self.config.write_text(yaml.safe_dump(raw), encoding="utf-8")
        environment = {"COMPLINE_CONFIG": str(self.config), **(env or {})}
        return CliRunner().invoke(app, list(arguments), env=environment)

    def decide(self, *arguments: str, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """The decision, and its requirements' verdicts."""
        done = self.run("gate", "model", *arguments, "--format", "json", **more)
        assert done.exit_code in (0, 1, 3), done.output
        said = json.loads(done.stdout)["decision"]
        assert done.exit_code == {"met": 0, "breached": 1, "unknown": 3}[said["verdict"]]
        return said, {each["name"]: each["verdict"] for each in said["requirements"]}


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A private key of model-signing, and its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public
