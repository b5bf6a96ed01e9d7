"""A repository with everything that trivy finds, and its traps."""

from __future__ import annotations

import json

from compline.model import Gap, GapReason
from compline.scanners.trivy.canary import canary_secret

TOKEN = canary_secret()
DOCKERFILE = "FROM debian:12\nUSER root\n"
SAMPLE = "werkzeug==0.11\nflask==2.0.0\nmlflow==2.0.1\nlangchain==0.0.200\npyyaml==5.3\n"
SAMPLE += "gradio==3.30.0\n"
LOCK = {
    "name": "shop",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "shop", "version": "1.0.0", "dependencies": {"lodash": "4.17.10"}},
        "node_modules/lodash": {"version": "4.17.10", "license": "MIT"},
        "node_modules/minimist": {"version": "0.0.8", "license": "AGPL-3.0", "dev": True},
    },
}
HIDDEN = (
    *("README.md", "docs/guide.md", "tests/test_a.py", "examples/example.py", "locale/de.po"),
    *("src/app_test.go", "go.sum", "logo.svg", "trivy-secret.yaml", "notes.ipynb"),
)
"""Places that trivy's secret scanner does not look at unless it is told to."""
SHOP = {
    **dict.fromkeys(HIDDEN, f'token = "{TOKEN}"\n'),
    # A scan of a root file system passes over these directories.
    **{f"{name}/Dockerfile": DOCKERFILE for name in ("dev", "proc", "sys", "deploy")},
    "dev/requirements.txt": SAMPLE,
    "package-lock.json": json.dumps(LOCK, indent=1),
    "quiet/Dockerfile": "FROM debian:12\n# trivy:ignore:DS-0002\nUSER root\n# trivy:ignore:*\n",
    ".trivyignore": "DS-0002\nCVE-2019-10744\n",
    "trivy.yaml": "severity: [LOW]\nscan:\n  skip-dirs: [dev]\n",
    ".dockerignore": "**\n",
    "infra/main.tf": 'module "far" {\n  source = "git::https://modules.example/far.git"\n}\n',
    "broken/package-lock.json": '{"name": ',
    "Cargo.lock": '[[package]]\nname = "left"\nversion = "1.0.0"\n'
    'source = "registry+https://crates.example"\nchecksum = "00"\n',
    "vendor/Dockerfile": DOCKERFILE,
    "app.py": "print('hello')\n",
}
SUBMODULE = Gap(GapReason.SUBMODULE, "third")
