"""A finding keeps its id through real git and the real bandit, whatever moves around it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from compline.model import RegressionKind, State
from compline.store.outbox import list_regressions

HEAD = "import subprocess\nimport pickle\n\n\n"
RUN = "def run(text):\n    subprocess.call(text, shell=True)\n"
LOAD = "\n\ndef load(data):\n    return pickle.loads(data)\n"
EVAL = "\n\ndef work(text):\n    return eval(text)\n"
FIRST = {"app/tool.py": HEAD + RUN + LOAD + EVAL, "app/calm.py": "x = 1\n"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, installed_tools: Path, make: Any) -> Any:
    """One workspace for all, so that what every test begins with is scanned once."""
    home = tmp_path_factory.mktemp("identity")
    (home / "work").mkdir()
    (home / "work" / "tools").symlink_to(installed_tools)
    return make(home)


@pytest.fixture
def web(shared: Any, request: pytest.FixtureRequest) -> Any:
    """After the first night over a repository of the test's own."""
    shared.name = request.node.name.replace("_", "-")
    shared.listed = []
    shared.commit(shared.name, FIRST)
    assert set(shared.night().outcomes.values()) == {"completed"}
    return shared


def lines(organisation: Any) -> dict[str, tuple[str, str, int]]:
    """Id to rule, path and line of what is open."""
    return {i: (one.rule, one.path, one.line) for i, one in organisation.open().items()}


def check_quiet(organisation: Any) -> None:
    """Nothing was opened or closed since."""
    assert organisation.findings(State.RESOLVED) == {}
    with organisation.session() as session:
        worse = [view.regression for view in list_regressions(session.store)]
    kinds = {one.kind for one in worse if one.target == organisation.name}
    assert kinds == {RegressionKind.BASELINE}


def test_lines_moved_by_forty(web: Any) -> None:
    before = lines(web)
    assert len(before) >= 5
    above = "".join(f"SETTING_{n} = {n}\n" for n in range(40))
    web.commit(web.name, FIRST | {"app/tool.py": above + FIRST["app/tool.py"]})
    web.night()
    assert lines(web) == {i: (rule, path, line + 40) for i, (rule, path, line) in before.items()}
    check_quiet(web)


def test_a_renamed_file(web: Any) -> None:
    before = lines(web)
    web.commit(web.name, {"lib/renamed.py": FIRST["app/tool.py"], "app/calm.py": "x = 1\n"})
    web.night()
    assert lines(web) == {
        i: (rule, "lib/renamed.py", line) for i, (rule, _, line) in before.items()
    }
    check_quiet(web)


def test_renamed_and_moved_at_once(web: Any) -> None:
    before = lines(web)
    web.commit(web.name, {"lib/renamed.py": "X = 1\n" * 7 + FIRST["app/tool.py"]})
    web.night()
    assert lines(web) == {
        i: (rule, "lib/renamed.py", line + 7) for i, (rule, _, line) in before.items()
    }
    check_quiet(web)


def test_an_equal_line_above(web: Any) -> None:
    call = "    subprocess.call(text, shell=True)\n"
    quiet = "    print(text)\n"
    web.commit(web.name, FIRST | {"app/tool.py": HEAD + RUN.replace(call, quiet + call) + LOAD})
    web.night()
    before = lines(web)
    [old] = [i for i, place in before.items() if place == ("B602", "app/tool.py", 7)]
    above = HEAD + RUN.replace(call, call + quiet + call) + LOAD
    web.commit(web.name, FIRST | {"app/tool.py": above})
    web.night()
    after = lines(web)
    # The old ones keep their ids and are one line lower; only the inserted line is new.
    assert after[old] == ("B602", "app/tool.py", 8)
    assert set(before) < set(after)
    assert [after[i] for i in set(after) - set(before)] == [("B602", "app/tool.py", 6)]


def test_an_equal_line_right_beside(web: Any) -> None:
    """Nobody can tell which of two equal neighbours is the old one; its id stays all the same."""
    before = lines(web)
    call = "    subprocess.call(text, shell=True)\n"
    web.commit(web.name, FIRST | {"app/tool.py": HEAD + RUN.replace(call, call * 2) + LOAD + EVAL})
    web.night()
    after = lines(web)
    assert set(before) < set(after)
    assert len(after) == len(before) + 1
    calls = sorted(line for rule, _, line in after.values() if rule == "B602")
    assert calls == [6, 7]
    assert web.findings(State.RESOLVED) == {}


def test_a_copy_is_new_and_the_original_stays(web: Any) -> None:
    before = lines(web)
    web.commit(web.name, FIRST | {"app/copy.py": FIRST["app/tool.py"]})
    web.night()
    after = lines(web)
    assert {i: after[i] for i in before} == before
    assert sorted(after[i] for i in set(after) - set(before)) == sorted(
        (rule, "app/copy.py", line) for rule, _, line in before.values()
    )


def test_a_mended_line_closes_its_own_finding(web: Any) -> None:
    before = lines(web)
    web.commit(web.name, FIRST | {"app/tool.py": HEAD + RUN + LOAD})
    web.night()
    gone = set(before) - set(lines(web))
    assert {before[i][0] for i in gone} == {"B307"}
    assert set(web.findings(State.RESOLVED)) == gone
    # It comes back as the same finding.
    web.commit(web.name, FIRST)
    web.night()
    assert lines(web) == before


def test_rewritten_history_is_said_and_matched_by_content(web: Any) -> None:
    before = lines(web)
    web.rewrite(
        web.name, [{"other": "start\n"}, FIRST | {"app/tool.py": "X = 1\n" + FIRST["app/tool.py"]}]
    )
    night = web.night()
    assert set(night.outcomes.values()) == {"completed"}
    assert lines(web) == {i: (rule, path, line + 1) for i, (rule, path, line) in before.items()}
    check_quiet(web)
    told = [line for line in night.told if "rewritten" in line]
    assert told, night.told


def test_a_lost_mirror_loses_nothing(web: Any) -> None:
    before = lines(web)
    shutil.rmtree(web.home / "work" / "mirrors")
    web.commit(web.name, FIRST | {"app/tool.py": "X = 1\n" * 3 + FIRST["app/tool.py"]})
    web.night()
    assert lines(web) == {i: (rule, path, line + 3) for i, (rule, path, line) in before.items()}
    check_quiet(web)


def test_a_tree_that_was_never_read_is_compared_too(equipped: Any) -> None:
    """Its twin was scanned before, so that its own first look came wholly from the cache."""
    equipped.scanners = ("trivy",)
    equipped.sections["advisories"] = {"osv": "bundled", "trivy_db": "bundled"}
    built = "FROM debian:latest\nRUN apt-get update\nRUN echo done\nEXPOSE 22\n"
    for name in ("twin", "web"):
        equipped.commit(name, {"Dockerfile": built})
        assert equipped.night().row(name, "trivy").outcome == "completed"
    before = equipped.open()
    own = {i for i, one in before.items() if one.target == "web"}
    assert own

    equipped.commit("web", {"docker/Dockerfile": built + "LABEL moved=yes\n"})
    equipped.night()
    after = {i: one.path for i, one in equipped.open().items() if one.target == "web"}
    assert after == dict.fromkeys(own, "docker/Dockerfile")


def test_the_unchanged_night_starts_nothing(web: Any) -> None:
    before = {i: one.state for i, one in web.findings().items()}
    night = web.night()
    row = night.row(web.name, "bandit")
    assert row.reused_from is not None
    assert row.seconds == 0
    assert not any(line.startswith(("fetch", "scan:")) for line in night.told)
    assert {i: one.state for i, one in web.findings().items()} == before
