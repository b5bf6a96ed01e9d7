"""The same life in a real repository: renames and line maps are git's, through a mirror."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from world import EDITS, World

from compline.config.schema import Limits
from compline.findings.change import TreeChange
from compline.source.compare import compare
from compline.source.mirror import Mirror
from compline.source.remote import Remote, resolve_head

EXAMPLES = max(20, int(os.environ.get("COMPLINE_EXAMPLES", "2000")) // 50)
SEED = int(os.environ.get("COMPLINE_SEED", "1"))
_ENV = {
    **{f"GIT_{who}_NAME": "t" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "t@example.org" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


class Repository:
    """A work tree with a mirror of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.work = home / "work"
        self.work.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.mirror = Mirror(
            home / "mirror", Remote(f"file://{self.work}", "", None), Limits(), "full"
        )
        self.last = ""
        self.paths: frozenset[str] = frozenset()

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.work, check=True, env=os.environ | _ENV)

    def changed(self, texts: dict[str, str]) -> TreeChange:
        """Commits the texts; what git says of both commits."""
        self.git("rm", "-rfq", "--ignore-unmatch", ".")
        for path, text in texts.items():
            (self.work / path).parent.mkdir(parents=True, exist_ok=True)
            (self.work / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "--message=next")
        head = resolve_head(self.mirror.remote, self.mirror.limits)
        self.mirror.fetch(head)
        last, self.last = self.last, head.commit
        paths, self.paths = self.paths, frozenset(texts)
        return compare(self.mirror, last, head.commit, paths) if last else TreeChange()


@pytest.mark.parametrize("language", ["python", "javascript"])
@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    number=st.integers(0, 2**32),
    steps=st.lists(
        st.lists(st.sampled_from(EDITS), min_size=1, max_size=3), min_size=1, max_size=2
    ),
)
def test_through_git(
    kit: Any, tmp_path: Path, language: str, number: int, steps: list[list[str]]
) -> None:
    repository = Repository(tmp_path / "one")
    world = World(kit, language, random.Random(number))
    try:
        world.look(repository.changed)
        for step in steps:
            for what in step:
                world.edit(what)
            world.look(repository.changed)
    finally:
        shutil.rmtree(tmp_path / "one")
