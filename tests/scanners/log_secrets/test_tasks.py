"""Task logs: an answer of Airflow as lines, and the folder of the deployment that runs us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Failed
from compline.scanners.logs.log import Unreadable
from compline.scanners.logs.tasks import _lines

GOLDEN = json.loads((Path(__file__).parent / "golden" / "task-log-3.3.2.json").read_text())


class Own:
    """A deployment that keeps its logs in a folder."""

    def __init__(self, folder: Path, executor: str = "LocalExecutor", remote: str = "False"):
        self.options = {
            ("logging", "base_log_folder"): str(folder),
            ("logging", "remote_logging"): remote,
            ("core", "executor"): executor,
        }

    def setting(self, section: str, option: str) -> str | None:
        return self.options.get((section, option))


def test_one_line_per_entry_as_in_the_file() -> None:
    assert list(_lines(GOLDEN["content"], "a.log")) == [
        "::group::Pre Execute",
        'Worker startup parse complete {"bundle_name": "dags-folder", "dag_file": "cleanup.py"}',
        "token = @TOKEN@",
        "::endgroup::",
    ]


def test_a_text_of_several_lines_stays_one_entry() -> None:
    assert list(_lines([{"event": "a\nb"}, "plain"], "a.log")) == ["a\\nb", "plain"]


def test_nothing_but_a_word_on_the_sources_is_no_log() -> None:
    with pytest.raises(Unreadable, match="opt/airflow"):
        list(_lines(GOLDEN["content"][:3], "a.log"))


def test_the_folder_of_our_own_deployment(logs: Any, token: str) -> None:
    folder = logs.folder / "dag_id=x" / "run_id=y [1]"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log").write_text(f'{{"event": "token = {token}"}}\n')

    look = logs.look(kind="airflow", own=Own(logs.folder), here=True)

    (one,) = look.outcome.observations
    assert (one.place.path, one.place.line) == ("dag_id=x/run_id=y [1]/attempt=1.log", 1)
    assert [gap.reason for gap in look.outcome.gaps] == ["partial"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"executor": "airflow.x.CeleryExecutor"}, "with CeleryExecutor other workers' logs"),
        ({"remote": "True"}, "remote logging is on"),
    ],
)
def test_a_folder_that_is_not_all_is_a_gap(logs: Any, words: Any, told: str) -> None:
    (logs.folder / "a.log").write_text("x\n")
    look = logs.look(kind="airflow", own=Own(logs.folder, **words), here=True)
    assert isinstance(look.outcome, Completed)
    assert told in look.outcome.gaps[0].detail


def test_no_way_to_the_logs(logs: Any) -> None:
    for words in ({}, {"here": True}, {"here": True, "own": Own(Path("/nowhere"))}):
        outcome = logs.look(kind="airflow", **words).outcome
        assert isinstance(outcome, Failed)
        assert "`url` and `credential`" in outcome.error
