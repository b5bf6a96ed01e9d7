"""Who wrote a line, as far as the mirror's history reaches."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from compline.source.blame import blame
from compline.source.mirror import Mirror
from compline.source.remote import resolve_head


@pytest.fixture
def grown(repository: Any, mirror_of: Callable[..., Mirror]) -> tuple[Mirror, str, str, str]:
    """A mirror that began in the middle: what stood then was written by somebody unknown."""
    repository.commit({"old.py": "zero\n"})
    first = repository.commit({"a.py": "one\ntwo\n", "b.txt": "b\n"})
    mirror = mirror_of(repository, "main")
    mirror.fetch(resolve_head(mirror.remote, mirror.limits))
    second = repository.commit({"a.py": "one\nnew\ntwo\n"})
    third = repository.commit({"a.py": "one\nnew\ntwo\nlast\n", ":(odd) *.py": "x\n"})
    mirror.fetch(resolve_head(mirror.remote, mirror.limits))
    return mirror, first, second, third


def test_a_line_has_its_commit_author_and_date(grown: Any, repository: Any) -> None:
    mirror, _, second, third = grown
    found = blame(mirror, third, {"a.py": [2, 4]})
    assert {place: one.id for place, one in found.items()} == {
        ("a.py", 2): second,
        ("a.py", 4): third,
    }
    assert found["a.py", 2].author == "Ada <ada@example.org>"
    at = int(repository.git("show", "-s", "--format=%at", second))
    assert found["a.py", 2].at == datetime.fromtimestamp(at, UTC)


def test_what_lies_before_the_mirrors_beginning_is_unknown(grown: Any) -> None:
    mirror, _, second, third = grown
    assert blame(mirror, third, {"a.py": [1, 3], "b.txt": [1, None], "old.py": [None]}) == {}
    assert [one.id for one in blame(mirror, second, {"a.py": range(1, 4)}).values()] == [second]


def test_a_file_has_the_last_commit_that_touched_it(grown: Any) -> None:
    mirror, _, second, third = grown
    assert blame(mirror, third, {"a.py": [None]})["a.py", None].id == third
    assert blame(mirror, second, {"a.py": [None]})["a.py", None].id == second
    odd = ":(odd) *.py"
    assert {one.id for one in blame(mirror, third, {odd: [1, None]}).values()} == {third}
    assert len(blame(mirror, third, {odd: [1, None]})) == 2


def test_a_whole_history_reaches_its_root(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    root = repository.commit({"a.py": "one\n"})
    repository.commit({"b.py": "two\n"})
    mirror = mirror_of(repository, "main", history="full")
    head = mirror.fetch(resolve_head(mirror.remote, mirror.limits)).commit
    assert blame(mirror, head, {"a.py": [1, None]}).keys() == {("a.py", 1), ("a.py", None)}
    assert blame(mirror, head, {"a.py": [1]})["a.py", 1].id == root


def test_what_is_not_there_is_left_out(grown: Any) -> None:
    mirror, _, _, third = grown
    assert blame(mirror, third, {"gone.py": [1, None], "a.py": [99]}) == {}


def test_an_authors_name_is_one_printable_line(
    repository: Any, mirror_of: Callable[..., Mirror]
) -> None:
    name = "A\x1b[31m\u202eb " * 60
    stream = (
        f"commit refs/heads/main\nauthor {name}<x@y> 1700000000 +0000\n"
        "committer Ada <ada@example.org> 1700000000 +0000\ndata 1\nx\n"
        "M 100644 inline a.py\ndata 2\nx\n\n"
    )
    repository.git("fast-import", "--quiet", stdin=stream.encode())
    mirror = mirror_of(repository, "main")
    head = mirror.fetch(resolve_head(mirror.remote, mirror.limits)).commit
    author = blame(mirror, head, {"a.py": [1]})["a.py", 1].author
    assert author.isprintable()
    assert len(author) <= 200
