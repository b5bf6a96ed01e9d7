"""A file that can no longer be looked at, for whatever reason, takes no finding with it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from compline.model import State

CODE = "import subprocess\n\n\ndef run(text):\n    subprocess.call(text, shell=True)\n"
OTHER = "def work(text):\n    return eval(text)\n"
LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
TREE = {"app/deep/tools.py": CODE, "main.py": OTHER}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, installed_tools: Path, make: Any) -> Any:
    """One workspace for all, so that what every test begins with is scanned once."""
    home = tmp_path_factory.mktemp("gaps")
    (home / "work").mkdir()
    (home / "work" / "tools").symlink_to(installed_tools)
    return make(home)


@pytest.fixture
def web(shared: Any, request: pytest.FixtureRequest) -> Any:
    """After bandit's first night over a repository of the test's own."""
    begin(shared, request, TREE, "bandit")
    assert {one.path for one in shared.open().values()} == set(TREE)
    return shared


def begin(shared: Any, request: pytest.FixtureRequest, tree: dict[str, str], scanner: str) -> None:
    shared.name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    shared.scanners, shared.listed = (scanner,), []
    shared.sections = {"advisories": {"osv": "bundled", "trivy_db": "bundled"}}
    # A commit of its own, or another test's results would be taken and nothing be fetched.
    shared.commit(shared.name, {**tree, "NAME": shared.name})
    assert set(shared.night().outcomes.values()) == {"completed"}
    assert shared.open()


def put(organisation: Any, *entries: tuple[str, bytes, bytes | str]) -> None:
    """A commit on main whose tree has these entries: mode, name, and content, or an object's id."""
    lines = []
    for mode, name, content in entries:
        oid = content if isinstance(content, str) else write(organisation, content)
        kind = {"160000": "commit", "40000": "tree"}.get(mode, "blob")
        lines.append(f"{mode} {kind} {oid}\t".encode() + name)
    tree = git(organisation, "mktree", "-z", "--missing", stdin=b"\0".join(lines) + b"\0")
    commit = git(organisation, "commit-tree", "-p", "main", "-m", "x", tree)
    git(organisation, "update-ref", "refs/heads/main", commit)


def write(organisation: Any, content: bytes) -> str:
    return git(organisation, "hash-object", "-w", "--stdin", stdin=content)


def git(organisation: Any, *words: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words],
        cwd=organisation.path(organisation.name),
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def check(organisation: Any, *reasons: str) -> None:
    """The next night has these gaps, and closes nothing; when all is as before, so are the ids."""
    before = organisation.open()
    first = git(organisation, "rev-list", "--max-parents=0", "main")
    night = organisation.night()
    row = night.row(organisation.name, *organisation.scanners)
    assert row.outcome == "completed"
    assert sorted({str(gap.reason) for gap in row.gaps}) == sorted(reasons)
    assert set(organisation.open()) == set(before)
    assert organisation.findings(State.RESOLVED) == {}
    git(organisation, "update-ref", "refs/heads/main", first)
    organisation.sections.pop("limits", None)
    organisation.night()
    after = organisation.open()
    assert {i: (one.path, one.line) for i, one in after.items()} == {
        i: (one.path, one.line) for i, one in before.items()
    }


def app(organisation: Any, *inside: tuple[str, bytes, bytes | str]) -> tuple[str, bytes, str]:
    """The folder app/ with other things in its folder deep/."""
    put(organisation, *inside)
    deep = git(organisation, "rev-parse", "main^{tree}")
    put(organisation, ("40000", b"deep", deep))
    found = git(organisation, "rev-parse", "main^{tree}")
    git(organisation, "update-ref", "refs/heads/main", "main~2")
    return ("40000", b"app", found)


MAIN = ("100644", b"main.py", OTHER.encode())


BECOMES = {
    "a link": ("120000", "{}", lambda _: b"../../main.py", "symlink"),
    "another repository": ("160000", "{}", lambda _: "1" * 40, "submodule"),
    "a pointer": ("100644", "{}", lambda _: LFS.encode(), "lfs"),
    "large": ("100644", "{}", lambda code: code + b"#" * (1 << 21), "too-large"),
    "named in bytes": ("100644", "\udcff-{}", lambda code: code, "bad-name"),
    "named to hide": ("100644", "\x1b-{}", lambda code: code, "bad-name"),
    "named backwards": ("100644", "\u202e-{}", lambda code: code, "bad-name"),
    "broken": ("100644", "{}", lambda code: code + b"def f(:\n", "unparsed"),
    "binary": ("100644", "{}", lambda code: code + b"\0", "unparsed"),
}
SEEN_BY = {
    "bandit": ("tools.py", CODE, tuple(BECOMES)),
    "pip-audit": ("requirements.txt", "pyyaml==5.3\n", tuple(BECOMES)[:5]),
    "trivy": ("Dockerfile", "FROM debian:12\nUSER root\n", tuple(BECOMES)[:5]),
}


@pytest.mark.parametrize(
    ("scanner", "what"), [(name, what) for name, (_, _, ways) in SEEN_BY.items() for what in ways]
)
def test_a_file_becomes_something_that_is_not_looked_at(
    shared: Any, request: pytest.FixtureRequest, scanner: str, what: str
) -> None:
    name, code, _ = SEEN_BY[scanner]
    begin(shared, request, {f"app/deep/{name}": code, "main.py": OTHER}, scanner)
    mode, pattern, change, reason = BECOMES[what]
    new = pattern.format(name).encode("utf-8", "surrogateescape")
    put(shared, app(shared, (mode, new, change(code.encode()))), MAIN)
    check(shared, reason)


def test_a_folder_becomes_another_repository(web: Any) -> None:
    put(web, ("160000", b"app", "1" * 40), MAIN)
    check(web, "submodule")


def test_a_file_is_moved_to_where_nobody_looks(web: Any) -> None:
    inside = git(web, "rev-parse", "main:app")
    put(web, ("40000", b"vendor", inside), MAIN)
    check(web, "vendored")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"path_depth": 2}, "bad-name"),
        ({"path_length": 16}, "bad-name"),
        ({"files": 1}, "too-many"),
    ],
)
def test_a_limit_is_lowered(web: Any, limits: dict[str, int], reason: str) -> None:
    web.sections["limits"] = limits
    check(web, reason)


def test_objects_are_lost_at_the_source(web: Any) -> None:
    """The next commit leaves the file as it was, and the repository no longer has its content."""
    inside = git(web, "rev-parse", "main:app")
    put(web, ("40000", b"app", inside), MAIN, ("100644", b"new.py", b"x = 1\n"))
    lost = git(web, "rev-parse", "main:app/deep/tools.py")
    before = web.open()
    place = web.path(web.name) / "objects" / lost[:2] / lost[2:]
    assert place.exists()
    place.unlink()
    # A workspace that never had it, as after the loss of a disk.
    for mirror in (web.home / "work" / "mirrors").iterdir():
        subprocess.run(["rm", "-r", mirror], check=True)
    row = web.night(fresh=True).row(web.name, "bandit")
    assert row.outcome == "completed"
    assert {str(gap.reason) for gap in row.gaps} == {"missing-object"}
    assert set(web.open()) == set(before)


def test_a_limit_that_is_raised_is_obeyed_the_same_night(web: Any) -> None:
    """Nothing has changed at the source, and yet nothing is reused."""
    web.sections["limits"] = {"path_depth": 2}
    web.listed.append("young")
    web.commit("young", TREE)
    row = web.night().row("young", "bandit")
    assert [(str(gap.reason), gap.path) for gap in row.gaps] == [("bad-name", "app/deep/")]
    assert {one.path for one in web.open().values() if one.target == "young"} == {"main.py"}
    del web.sections["limits"]
    row = web.night().row("young", "bandit")
    assert (row.gaps, row.reused_from) == ((), None)
    assert {one.path for one in web.open().values() if one.target == "young"} == set(TREE)
