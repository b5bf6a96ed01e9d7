"""A pipeline's files out of its repository's tree: read, named, and refused where they are odd."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flows import DAG, FLOW, NOW, clean, found

from compline.model import Failed, Gap, GapReason
from compline.scanners.interface import SeenTree
from compline.source.snapshot import SourceError

FLOW_TEXT = json.dumps(FLOW).encode()
BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nhops: [*b, *b]\n"


@pytest.fixture
def tree_of(repository: Any) -> Any:
    def tree(files: Mapping[str, bytes], gaps: tuple[Gap, ...] = ()) -> Any:
        return repository(files, gaps=gaps).snapshot

    return tree


@pytest.fixture
def look_in(look_at: Any, tree_of: Any) -> Any:
    """A look at a pipeline whose files lie in a tree."""

    def look(
        files: Mapping[str, bytes], *, gaps: tuple[Gap, ...] = (), hours: int = 1, **given: Any
    ) -> Any:
        tree = tree_of(files, gaps)

        def trees(name: str) -> SeenTree:
            assert name == "features"
            return SeenTree(tree, NOW - timedelta(hours=hours))

        settings: dict[str, Any] = {
            "repository": "features",
            "flow": None,
            "flow_file": "compline-pipeline.yaml",
            "dag_file": "dags/churn.py",
            **given,
        }
        return look_at(trees=trees, **settings)

    return look


def error(look: Any) -> str:
    assert isinstance(look.outcome, Failed), look.outcome
    return look.outcome.error


GOOD = {"compline-pipeline.yaml": FLOW_TEXT, "dags/churn.py": DAG.encode()}


def test_both_files_are_read_and_the_evidence_names_the_commit(
    look_in: Any, tree_of: Any, scene: Any
) -> None:
    look = look_in(GOOD)
    assert clean(look)
    kept = b"".join(gzip.decompress(p.read_bytes()) for p in scene.home.rglob("*.gz"))
    commit = tree_of(GOOD).revision.encode()
    assert b'"place":"features:compline-pipeline.yaml","revision":"' + commit in kept
    assert b'"place":"features:dags/churn.py","revision":"' + commit in kept


def test_a_connection_that_the_tree_uses_and_the_tree_does_not_declare(look_in: Any) -> None:
    source = DAG + '    S3Hook(aws_conn_id="lake")\n'
    look = look_in({**GOOD, "dags/churn.py": source.encode()})
    assert found(look) == {("undeclared-connection", "connection/lake")}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"dags/churn.py": b""}, "features:compline-pipeline.yaml is no regular file at the"),
        ({**GOOD, "compline-pipeline.yaml": BOMB}, "compline-pipeline.yaml: it has aliases"),
        ({**GOOD, "compline-pipeline.yaml": b"hops: ["}, "compline-pipeline.yaml: line 1: not"),
        ({**GOOD, "compline-pipeline.yaml": b"[" * 500_000}, "nested too deeply"),
        ({**GOOD, "compline-pipeline.yaml": b"hops: []"}, "hops: List should have at least 1"),
        ({**GOOD, "compline-pipeline.yaml": b"- 1"}, "compline-pipeline.yaml: the file: "),
        ({**GOOD, "compline-pipeline.yaml": b"\xff\xfe"}, "it is not UTF-8"),
        ({**GOOD, "compline-pipeline.yaml": b"#" * 1_000_001}, "more than 1 MB"),
        ({**GOOD, "dags/churn.py": b"x = '\xe4'"}, "features:dags/churn.py: it is not UTF-8"),
        ({**GOOD, "dags/churn.py": b"(" * 100_000}, "it is no Python"),
        ({**GOOD, "dags/churn.py": b"churn = '\0'"}, "features:dags/churn.py: "),
    ],
)
def test_a_file_that_is_odd_is_failed(look_in: Any, files: Any, said: str) -> None:
    assert said in error(look_in(files))


def test_a_link_is_not_followed(look_in: Any) -> None:
    gap = Gap(GapReason.SYMLINK, "compline-pipeline.yaml")
    assert error(look_in({"dags/churn.py": b""}, gaps=(gap,))).endswith(": symlink")


def test_an_object_that_is_missing_is_failed(look_at: Any, tree_of: Any) -> None:
    tree = tree_of(GOOD)
    tree.lose("compline-pipeline.yaml")
    look = look_at(
        trees=lambda _name: SeenTree(tree, NOW),
        repository="features",
        flow=None,
        flow_file="compline-pipeline.yaml",
    )
    assert "its object is missing at the commit" in error(look)


def test_an_old_tree_says_nothing(look_in: Any) -> None:
    assert "may not be so any more" in error(look_in(GOOD, hours=37))
    assert clean(look_in(GOOD, hours=37, rules={"stale_hours": 48}))


def test_a_repository_that_cannot_be_had_is_failed(look_at: Any) -> None:
    def trees(name: str) -> SeenTree:
        raise SourceError(f"no look at {name} is completed yet")

    look = look_at(trees=trees, repository="features", flow=None, flow_file="a.yaml")
    assert error(look) == (
        "the repository features cannot be read: no look at features is completed yet"
    )
