"""The page on adding a check, followed to the letter in a copy of the library."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result


@pytest.fixture(scope="module")
def blocks(guides: dict[str, str]) -> dict[str, str]:
    """What the page has as code, by the file that its first line names; else by its beginning."""
    found = {}
    for block in re.findall(r"```(?:python|yaml|json)\n(.*?)```", _page(guides), re.DOTALL):
        first, _, rest = block.partition("\n")
        name = first.removeprefix("# ").partition(",")[0]
        found.update({name: rest} if first.startswith("# ") else {first.strip(): block})
    return found


def _page(guides: dict[str, str]) -> str:
    return guides["docs/checks/adding.md"]


@pytest.fixture(scope="module")
def copy(root: Path, blocks: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library to which the page's kind of store was added."""
    home = tmp_path_factory.mktemp("copy")
    shutil.copytree(root / "include", home / "include")
    stores = home / "include/compline/config/targets/stores.py"
    text = stores.read_text()
    added = blocks["include/compline/config/targets/stores.py"]
    text = text.replace(
        "DataStore = Annotated[\n    ", f"{added}\n\nDataStore = Annotated[\n    Sqlite | "
    )
    stores.write_text(text)
    for name in ("collector.py", "suite.yaml", "canary.json"):
        place = f"include/compline/scanners/stores/sqlite/{name}"
        (home / place).parent.mkdir(exist_ok=True)
        (home / place).write_text(blocks[place])
    (home / "include/compline/scanners/stores/sqlite/__init__.py").touch()
    kinds = home / "include/compline/scanners/expectations/collector.py"
    line = next(text for text in blocks.values() if text.strip().startswith('"sqlite"'))
    kinds.write_text(kinds.read_text().replace("_KINDS = {\n", f"_KINDS = {{\n{line}"))
    return home


@pytest.fixture
def program(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The copy's command line, in this process: Great Expectations takes seconds to import."""
    ours = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    for name in ours:
        del sys.modules[name]
    monkeypatch.syspath_prepend(copy / "include")
    yield importlib.import_module("compline.cli.main").app
    assert Path(sys.modules["compline"].__file__ or "").is_relative_to(copy)
    for name in [name for name in sys.modules if _is_ours(name)]:
        del sys.modules[name]
    sys.modules.update(ours)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "compline"


def test_a_kind_of_store_and_a_suite_of_ones_own(
    program: Any, blocks: dict[str, str], tmp_path: Path
) -> None:
    def run(*arguments: str) -> Result:
        config = str(tmp_path / "compline.yaml")
        return CliRunner().invoke(program, [*arguments, "--config", config])

    sqlite3.connect(tmp_path / "ledger.db").execute("CREATE TABLE t (x)").connection.close()
    (tmp_path / "ledger.db").chmod(0o644)
    (tmp_path / "ledgers.yaml").write_text(blocks["ledgers.yaml"])
    config = next(text for text in blocks.values() if text.startswith("organisation: example"))
    config = config.replace("path: ledger.db", "path: ledger.db\n      suite: ledgers.yaml")
    (tmp_path / "compline.yaml").write_text(config)
    done = run("scan", "--quiet")
    assert done.exit_code == 1, done.output
    found: list[dict[str, Any]] = json.loads(run("findings", "--format", "json").stdout)
    assert sorted(one["rule"] for one in found) == [
        "name-of-a-ledger", "open-to-others", "unencrypted-at-rest",
    ]  # fmt: skip
    (tmp_path / "compline.yaml").write_text(config.replace("plain:", "plian:"))
    done = run("config", "check")
    assert done.exit_code == 2
    assert (
        "compline.yaml:8: targets.data_stores.0.policy: policy: there is no key 'plian'"
        in done.stderr
    ), done.stderr
