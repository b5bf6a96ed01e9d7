"""What is not there is a failed look with the way out, never silence: tools, advisories, stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.model import RunResult

PINS = {"requirements.txt": "jinja2==2.4.1\n", "app.py": "eval(input())\n"}


def test_missing_tools(organisation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace with an empty tools folder."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("COMPLINE_TRIVY", raising=False)
    organisation.scanners = ("bandit", "semgrep", "pip-audit", "trivy")
    organisation.sections["advisories"] = {"osv": "bundled", "trivy_db": "bundled"}
    (organisation.home / "work" / "tools").mkdir(parents=True)
    organisation.commit("web", PINS)
    night = organisation.night()
    assert night.result is RunResult.INCOMPLETE
    for name in organisation.scanners:
        row = night.row("web", name)
        assert row.outcome == "failed"
        assert f"compline tools install {name}" in row.reason
    # Nothing was fetched for scanners that cannot scan.
    assert list((organisation.home / "work" / "mirrors").iterdir()) == []


def test_missing_advisories(equipped: Any) -> None:
    equipped.scanners = ("pip-audit", "trivy")
    nowhere = str(equipped.home / "nowhere")
    equipped.sections["advisories"] = {"osv": nowhere, "trivy_db": nowhere}
    equipped.commit("web", PINS)
    night = equipped.night()
    assert night.outcomes == {("web", "pip-audit"): "failed", ("web", "trivy"): "failed"}
    assert all(nowhere in row.reason for row in night.rows)
    assert night.result is RunResult.INCOMPLETE
    assert equipped.open() == {}


def test_advisories_that_go_away_close_nothing(equipped: Any) -> None:
    equipped.scanners = ("pip-audit",)
    equipped.sections["advisories"] = {"osv": "bundled", "trivy_db": "bundled"}
    equipped.commit("web", PINS)
    first = equipped.night()
    assert first.outcomes == {("web", "pip-audit"): "completed"}
    before = equipped.open()
    assert before
    equipped.sections["advisories"]["osv"] = str(equipped.home / "nowhere")
    assert equipped.night().outcomes == {("web", "pip-audit"): "failed"}
    assert set(equipped.open()) == set(before)


def test_a_missing_credential_is_the_targets_own_failure(organisation: Any, fake: Any) -> None:
    fake("bandit")
    organisation.commit("open", {"a.txt": "BAD\n"})
    organisation.commit("private", {"a.txt": "BAD\n"})
    entries = [
        {"name": "open", "url": organisation.url("open")},
        {"name": "private", "url": "https://git.example.org/x", "credential": "env:NO_SUCH_TOKEN"},
    ]
    organisation.sections["targets"] = {"repositories": entries}
    night = organisation.night()
    assert night.outcomes == {("open", "bandit"): "completed", ("private", "bandit"): "failed"}
    assert "NO_SUCH_TOKEN" in night.row("private", "bandit").reason


def test_a_missing_image_archive(organisation: Any, fake: Any) -> None:
    organisation.scanners = ("trivy-image",)
    gone = organisation.home / "gone.tar"
    organisation.sections["targets"] = {"images": [{"name": "base", "archive": str(gone)}]}
    night = organisation.night()
    assert night.outcomes == {("base", "trivy-image"): "failed"}
    assert str(gone) in night.row("base", "trivy-image").reason


def test_a_workspace_that_cannot_be_made(organisation: Any, tmp_path: Path) -> None:
    from compline.store.engine import StoreError

    (tmp_path / "work").write_text("a file")
    with pytest.raises(StoreError, match="workspace"), organisation.session():
        pass
