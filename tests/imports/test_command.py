"""`compline import` on the command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from compline.cli.main import app

Command = Callable[..., Result]


@pytest.fixture
def command(shop: Any, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("STORE_URL", shop.store)
    config = shop.home / "compline.yaml"
    raw = shop.config().model_dump(mode="json", by_alias=True, exclude_defaults=True)
    config.write_text(json.dumps(raw))

    def run(form: str, file: Path | str, *more: str, stdin: bytes = b"") -> Result:
        words: Sequence[str] = ["import", form, str(file), "-t", "shop", "-c", str(config), *more]
        return CliRunner().invoke(app, words, input=stdin)

    return run


def test_findings_make_1_and_fail_at_decides(
    command: Command, reports: Callable[[str], bytes], tmp_path: Path
) -> None:
    file = tmp_path / "bandit.json"
    file.write_bytes(reports("bandit"))
    done = command("bandit", file)
    assert done.exit_code == 1, done.output
    assert "import:bandit" in done.output
    assert command("bandit", file, "--fail-at", "critical", "-q").exit_code == 0
    assert command("bandit", "-", "-q", stdin=reports("bandit")).exit_code == 1


def test_the_wrong_file_makes_2(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "sarif.json"
    file.write_text('{"version": "2.1.0", "runs": []}')
    done = command("bandit", file)
    assert done.exit_code == 2
    assert "the file is SARIF 2.1.0: use `compline import sarif`" in " ".join(done.output.split())
    assert command("bandit", tmp_path / "missing.json").exit_code == 2
    assert command("eslint", file).exit_code == 2
    assert command("sarif", file, "-t", "unknown").exit_code == 2


def test_a_truncated_report_makes_3(
    command: Command, reports: Callable[[str], bytes], tmp_path: Path
) -> None:
    file = tmp_path / "bandit.json"
    file.write_bytes(reports("bandit")[:-100])
    done = command("bandit", file)
    assert done.exit_code == 3
    assert "not whole" in done.output


def test_a_report_larger_than_the_limit_is_refused(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline.pipeline.request import BadRequest

    config = shop.config()
    limits = config.limits.model_copy(update={"tool_output_mb": 0})
    small = config.model_copy(update={"limits": limits})
    monkeypatch.setattr(type(shop), "config", lambda _self: small)
    with pytest.raises(BadRequest, match=r"larger than `limits\.tool_output_mb`"):
        shop.take("bandit", b"{}")
