"""Our own scans beside imported reports: one finding, and every statement can be said again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.cli.scan import run_once
from compline.pipeline.replay import replay
from compline.pipeline.request import Request
from compline.pipeline.verify import verify


@pytest.fixture
def equipped(shop: Any, toolbox: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """With the real tools, bundled advisories, and only the repository."""
    work = shop.home / "work"
    work.mkdir()
    (work / "tools").symlink_to(Path(__file__).parents[2] / ".compline" / "tools")
    raw = shop.config().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    raw["targets"] = {"repositories": raw["targets"]["repositories"]}
    raw["advisories"] = {"osv": "bundled", "trivy_db": "bundled"}
    raw["scanners"] = {"semgrep": {"enabled": False}}
    config = type(shop.config()).model_validate(raw)
    monkeypatch.setattr(type(shop), "config", lambda _self: config)
    return shop


def test_scans_and_imports_of_one_tree(
    equipped: Any, reports: Callable[[str], bytes], secrets_of_tree: Any
) -> None:
    with equipped.session() as session:
        run, _ = run_once(session, Request())
        found = {one.scanner: one for one in replay(session, run)}
    assert {"bandit", "pip-audit", "trivy"} <= found.keys()
    assert {(one.verdict, one.differences) for one in found.values()} == {("same", ())}
    assert found["pip-audit"].compared[-1] == "the answers on releases"
    assert found["trivy"].compared[-1] == "its results and the database's answers"
    before = equipped.open()
    for name in ("bandit", "pip-audit", "trivy"):
        taken = equipped.take(name, reports(name), complete=True)
        assert taken.row.outcome == "completed"
    after = equipped.open()
    assert before.keys() <= after.keys()
    both = [
        {each.scanner for each in one.witnesses}
        for one in after.values()
        if one.kind.value in ("code", "dependency", "secret")
    ]
    assert all(any(name.startswith("import:") for name in names) for names in both)
    assert sum(any(not name.startswith("import:") for name in names) for names in both) == len(both)
    with equipped.session() as session:
        assert verify(session).problems == ()
    kept = equipped.everything()
    for text in secrets_of_tree:
        assert text.encode() not in kept


def test_a_secret_that_is_left_out_of_the_reports_is_missed(equipped: Any) -> None:
    """What trivy's kept report does not hold, the statement may not say."""
    with equipped.session() as session:
        run, _ = run_once(session, Request(scanners=("trivy",)))
        locker = session.evidence
        get = locker.get

        def without(digest: str) -> bytes:
            content: bytes = get(digest)
            body = json.loads(content)
            if "results" not in body:
                return content
            for result in body["results"]:
                result.pop("Secrets", None)
            return json.dumps(body).encode()

        locker.get = without
        (found,) = replay(session, run)
    assert found.verdict == "different"
    assert found.differences == ("said without a report: github-pat deploy/settings.ini",)
