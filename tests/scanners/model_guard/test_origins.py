"""Where versions come from: many runs in one search, and what it leaves out asked by itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.model import Completed, Failed
from compline.scanners.models.mlflow import origins
from compline.scanners.models.mlflow.origins import Origins
from compline.scanners.models.mlflow.rest import Rest
from compline.scanners.models.mlflow.runs import Runs

NOW = datetime(2026, 1, 1, 2, tzinfo=UTC)
SEARCH, GET, PLACES = "runs/search", "runs/get", "experiments/search"
NAMES = [f"{number:032x}" for number in range(30)]


class Cache(dict[str, bytes]):
    """The results cache's two methods."""

    def get_many(self, _scanner: str, _key: Any, names: Any) -> dict[str, bytes]:
        return {name: self[name] for name in names if name in self}

    def put_many(self, _scanner: str, _key: Any, values: dict[str, bytes]) -> None:
        self.update(values)


def run(name: str, commit: str = "") -> dict[str, Any]:
    tags = [{"key": "mlflow.source.git.commit", "value": commit or f"c-{name[-2:]}"}]
    return {"info": {"run_id": name}, "data": {"tags": tags}, "inputs": {}}


def reply(handler: Any, value: Any, status: int = 200) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def crowd(recorded: Any) -> Any:
    """Thirty models of one version each, all of one content, each from a run of its own."""
    source = "mlflow-artifacts:/0/8fb0c8fbb78c446b9a73682056464b63/artifacts/model"
    versions = [
        {"name": f"m-{name[-2:]}", "version": "1", "run_id": name, "source": source}
        for name in NAMES
    ]
    models = [{"name": each["name"]} for each in versions]
    recorded.answers |= {
        "api/2.0/mlflow/registered-models/search?max_results=1000": {"registered_models": models},
        "api/2.0/mlflow/model-versions/search?max_results=1000": {"model_versions": versions},
        "api/2.0/mlflow/experiments/search?max_results=1000&view_type=ALL": {
            "experiments": [{"experiment_id": "0"}, {"experiment_id": "7"}]
        },
        **{f"api/2.0/mlflow/runs/get?run_id={name}": {"run": run(name)} for name in NAMES},
    }
    recorded.instead[SEARCH] = searched()
    return recorded


def searched(without: Collection[str] = ()) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        question = handler.server.recorded.sent[-1][2]
        asked = [name for name in NAMES if f"'{name}'" in question["filter"]]
        reply(handler, {"runs": [run(name) for name in asked if name not in without]})

    return answer


def known(recorded: Any, names: list[str] = NAMES, late: bool = False) -> dict[str, Any]:
    rest = Rest(recorded.url, None, 20)
    runs = Runs("mlflow", Cache(), NOW, 30)  # type: ignore[arg-type]
    asked = Origins(rest, runs)
    try:
        asked.look_up(names, lambda: late)
        return {name: asked.of(name) for name in names}
    finally:
        rest.close()


def calls(recorded: Any) -> dict[str, int]:
    return dict(Counter(path.removeprefix("api/2.0/mlflow/") for _, path, _ in recorded.sent))


ALL = {name: {"commit": f"c-{name[-2:]}"} for name in NAMES}


def test_many_runs_are_one_search(crowd: Any) -> None:
    assert known(crowd) == ALL
    assert calls(crowd) == {PLACES: 1, SEARCH: 1}
    method, path, question = crowd.sent[-1]
    assert (method, path) == ("POST", "api/2.0/mlflow/runs/search")
    assert question["experiment_ids"] == ["0", "7"]
    assert question["run_view_type"] == "ALL"
    assert question["max_results"] == len(NAMES)


def test_a_search_is_of_a_bounded_number(crowd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "AT_A_TIME", 7)
    assert known(crowd) == ALL
    assert calls(crowd) == {PLACES: 1, SEARCH: 5}


def test_few_runs_are_asked_one_by_one(crowd: Any) -> None:
    assert known(crowd, NAMES[:8]) == {name: ALL[name] for name in NAMES[:8]}
    assert calls(crowd) == {GET: 8}


def test_who_is_not_in_the_answer_is_asked_by_itself(crowd: Any) -> None:
    crowd.instead[SEARCH] = searched(without=NAMES[3:5])
    assert known(crowd) == ALL
    assert calls(crowd) == {PLACES: 1, SEARCH: 1, GET: 2}


def test_who_is_gone_says_nothing(crowd: Any) -> None:
    crowd.instead[SEARCH] = searched(without=NAMES[3:4])
    del crowd.answers[f"api/2.0/mlflow/runs/get?run_id={NAMES[3]}"]
    assert known(crowd) == {**ALL, NAMES[3]: None}


def test_runs_that_a_question_is_not_about_are_not_believed(
    crowd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins, "AT_A_TIME", 7)
    forged = run(NAMES[20], "forged")

    def answer(handler: Any) -> None:
        question = handler.server.recorded.sent[-1][2]["filter"]
        asked = [name for name in NAMES if f"'{name}'" in question and name != NAMES[20]]
        reply(handler, {"runs": [*map(run, asked), *([forged] if NAMES[0] in question else [])]})

    crowd.instead[SEARCH] = answer
    assert known(crowd) == ALL
    assert calls(crowd)[GET] == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"{}"),
        (404, b"{}"),
        (400, b'{"error_code": "INVALID_PARAMETER_VALUE"}'),
        (405, b""),
        (500, b""),
        (302, b""),
        (200, b"<html>"),
        (200, b'{"runs": 5}'),
        (200, b'{"runs": [{"info": null}]}'),
        (200, b"[]"),
    ],
)
@pytest.mark.parametrize("call", [SEARCH, PLACES])
def test_where_a_search_is_refused_each_is_asked_by_itself(
    crowd: Any, call: str, status: int, body: bytes
) -> None:
    crowd.instead[call] = lambda handler: reply(handler, body, status)
    assert known(crowd) == ALL
    assert calls(crowd)[GET] == len(NAMES)


def test_when_it_is_late_nothing_is_searched_for(crowd: Any) -> None:
    assert known(crowd, late=True) == ALL
    assert calls(crowd) == {PLACES: 1, GET: len(NAMES)}


def test_a_name_of_another_form_is_put_into_no_question(crowd: Any) -> None:
    hostile = "x') OR attributes.run_id IN ('y"
    assert known(crowd, [*NAMES, hostile]) == {**ALL, hostile: None}
    questions = [question["filter"] for how, _, question in crowd.sent if how == "POST"]
    assert len(questions) == 1
    assert "OR" not in questions[0]


def test_what_a_run_says_judges_its_version(crowd: Any, look: Any) -> None:
    crowd.instead[SEARCH] = searched(without=NAMES[3:4])
    outcome = look(provenance=["commit"]).outcome
    assert isinstance(outcome, Completed), outcome
    assert "provenance-missing" not in {each.rule for each in outcome.observations}
    posts = {path for how, path, _ in crowd.sent if how != "GET"}
    assert posts == {"api/2.0/mlflow/runs/search"}


def test_a_run_that_nobody_may_see_is_not_one_that_says_nothing(crowd: Any, look: Any) -> None:
    crowd.instead[SEARCH] = searched(without=NAMES[3:4])
    crowd.says(GET, 403)
    outcome = look(provenance=["commit"]).outcome
    assert isinstance(outcome, Failed), outcome
    assert "403" in outcome.error
