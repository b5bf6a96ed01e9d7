"""A secret in a repository is found, and its text is afterwards nowhere in the workspace."""

from __future__ import annotations

import gzip
import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from compline.reports.delimited import findings_csv
from compline.reports.sarif import findings_sarif
from compline.store.ledger import coverage
from compline.store.outbox import list_deliveries, list_regressions

# Put together here, so that this file holds no secret; each is unique to this test.
PASSWORD = "Zq7" + "mVbL2xKrT9wN4"
AWS_KEY = "AKIA" + "ZX3PQMN7HTRBK5WD"
AWS_SECRET = "jR4x" + "N8vQmW2kLpZs7TyBdC5gHfU1aEoXi9V3nMbQw6Ke"[:36]
PROVIDER = "sk-" + "ant-api03-Wm5kT9xQz2LbN7vRpJ4sYcD8hGfA3uEoKiB6nMtXwZqVrCyPjS1dHgFlUaOeIkTbQmNx"
PROBE = (PASSWORD, AWS_KEY, AWS_SECRET, PROVIDER)

PYTHON = f'''
import openai

password = "{PASSWORD}"


def login(user, token="{PASSWORD}"):
    return connect(user, password="{PASSWORD}")


client = openai.OpenAI(api_key="{PROVIDER}")
'''
CREDENTIALS = f"[default]\naws_access_key_id = {AWS_KEY}\naws_secret_access_key = {AWS_SECRET}\n"
NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "id": "a",
                "metadata": {},
                "execution_count": 1,
                "source": [f'password = "{PASSWORD}"\n', f'key = "{AWS_KEY}"\n'],
                "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": [f"key is {AWS_KEY}\n"]}
                ],
            }
        ],
    }
)
TREE = {
    "app/settings.py": PYTHON,
    "deploy/credentials": CREDENTIALS,
    "notes.ipynb": NOTEBOOK,
    "Dockerfile": f"FROM debian:12\nENV AWS_SECRET_ACCESS_KEY={AWS_SECRET}\nUSER app\n",
    "requirements.txt": f"--extra-index-url https://ci:{PASSWORD}@pypi.example.org/simple\nflask\n",
}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the least."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def holders(folder: Path) -> list[str]:
    """Files that hold a secret's text, plain or gzipped; mirrors are the repository itself."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not path.is_file() or path.is_symlink() or parts[0] in ("mirrors", "tools"):
            continue
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content += gzip.decompress(content)
        found += [f"{'/'.join(parts)}: {n}" for n, s in enumerate(PROBE) if s.encode() in content]
    return found


def held_by(text: str) -> list[int]:
    return [number for number, secret in enumerate(PROBE) if secret in text]


def test_secrets_are_found_and_kept_nowhere(equipped: Any, log: io.StringIO) -> None:
    equipped.scanners = ("bandit", "semgrep", "pip-audit", "trivy")
    equipped.sections["advisories"] = {"osv": "bundled", "trivy_db": "bundled"}
    equipped.commit("web", {"README": "nothing yet\n"})
    equipped.night()
    equipped.commit("web", TREE)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        night = equipped.night()
    assert {row.outcome for row in night.rows} == {"completed"}, night.rows
    found = equipped.findings()
    seen = {(w.scanner, w.rule) for one in found.values() for w in one.witnesses}
    # They are found, each by the tool that looks for it ...
    assert {"B105", "B106", "B107"} <= {rule for scanner, rule in seen if scanner == "bandit"}
    assert any(scanner == "trivy" and "aws" in rule.lower() for scanner, rule in seen), seen
    assert any(scanner == "semgrep" and "key" in rule for scanner, rule in seen), seen
    # ... and the text is nowhere.
    assert held_by("\n".join(night.told)) == []
    assert held_by(log.getvalue() + out.getvalue() + err.getvalue()) == []
    with equipped.session() as session:
        views = tuple(found.values())
        reports = (
            json.dumps([one.as_json() for one in views]),
            json.dumps(findings_sarif(views)),
            findings_csv(views),
            json.dumps([row.as_json() for row in coverage(session.store, night.run)]),
            repr(list_regressions(session.store)),
            repr(list_deliveries(session.store)),
        )
        assert [held_by(report) for report in reports] == [[]] * len(reports)
        assert list_deliveries(session.store)
        # While the store is open, its write-ahead log is there too.
        assert (session.workspace / "store" / "compline.db-wal").exists()
        assert holders(session.workspace) == []


def test_the_search_can_find(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text(f"x{PASSWORD}x")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(AWS_KEY.encode()))
    assert holders(tmp_path) == ["packed.gz: 1", "plain: 0"]
