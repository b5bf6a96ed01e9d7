"""Task logs: an answer of Airflow as lines, and the folder of the deployment that runs us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from compline.model import Completed, Failed
from compline.scanners.airflow.rest import Rest
from compline.scanners.http.client import reading
from compline.scanners.http.refusals import Bounds
from compline.scanners.logs import tasks
from compline.scanners.logs.log import Unreadable
from compline.scanners.logs.tasks import _entries, _lines

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


def of_pages(*pages: Any) -> tuple[Any, list[str]]:
    """An Airflow that gives a log so; a number is a status. And the tokens that it was sent."""
    left, tokens = list(pages), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        tokens.append(request.url.params.get("token", ""))
        page = left.pop(0)
        if isinstance(page, int):
            return httpx.Response(page, json={})
        token = f"token-{len(tokens)}" if left else None
        content = [{"event": line} for line in page]
        return httpx.Response(200, json={"content": content, "continuation_token": token})

    return httpx.MockTransport(answer), tokens


def read(transport: Any, *, over: bool) -> list[str]:
    bounds = Bounds("Airflow 3", 20, "seconds", 50)
    with reading("http://airflow.example.org", bounds, transport=transport) as service:
        entries = _entries(Rest(service), "logs/1", -1, "a.log", over=over)
    return [entry["event"] for entry in entries]


def test_a_log_that_comes_by_pages_is_read_to_its_end() -> None:
    """As the handlers of Elasticsearch and OpenSearch give it: 1,000 lines, and a token."""
    transport, tokens = of_pages(["a", "b", "c"], ["d"], ["e", "f"], [])
    assert read(transport, over=True) == list("abcdef")
    assert tokens == ["", "token-1", "token-2", "token-3"]


def test_a_log_that_is_being_written_is_not_waited_for() -> None:
    transport, tokens = of_pages(["a", "b", "c"], ["d"], ["e"])
    assert read(transport, over=False) == list("abcd")
    assert len(tokens) == 2


@pytest.mark.parametrize("status", [404, 500])
def test_one_log_that_is_not_to_be_had_is_a_gap(status: int) -> None:
    transport, _ = of_pages(["a"], status)
    with pytest.raises(Unreadable, match=f"answers {status} for it"):
        read(transport, over=True)


def test_pages_without_end_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_MOST_PAGES", 3)
    transport, _ = of_pages(*[["a"]] * 9)
    with pytest.raises(Unreadable, match="more than 3 answers"):
        read(transport, over=True)


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
