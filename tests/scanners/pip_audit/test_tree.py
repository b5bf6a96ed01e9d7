"""All manifests of a tree, joined through their includes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pytest

from compline.model import Gap, GapReason
from compline.scanners.requirements import tree as tree_module
from compline.scanners.requirements.tree import TreeRequirements, read_tree, resolve


def read(files: Mapping[str, str | bytes], missing: str = "") -> TreeRequirements:
    """Reads a tree in which a file's object id is its path."""

    def content(oids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for oid in oids:
            text = files[oid]
            value = text.encode() if isinstance(text, str) else text
            yield oid, None if oid == missing else value

    return read_tree({path: path for path in files}, content)


def pinned(tree: TreeRequirements) -> dict[str, list[str]]:
    return {
        found.path: [f"{pin.name}=={pin.version}" for pin in found.manifest.pins]
        for found in tree.manifests
    }


def unpinned(tree: TreeRequirements) -> dict[str, list[str]]:
    return {
        found.path: [each.name for each in found.manifest.unpinned]
        for found in tree.manifests
        if found.manifest.unpinned
    }


def test_included_files_are_manifests_of_their_own() -> None:
    tree = read(
        {
            "requirements.txt": "-r deploy/web.pip\nflask==2.0.0\n",
            "deploy/web.pip": "-r ../more.list\ngunicorn==20.0\n",
            "more.list": "django==4.0\n-r requirements.txt\n",
            "unrelated.list": "celery==5.0\n",
        }
    )
    assert pinned(tree) == {
        "deploy/web.pip": ["gunicorn==20.0"],
        "more.list": ["django==4.0"],
        "requirements.txt": ["flask==2.0.0"],
    }
    assert tree.gaps == ()


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("base.txt", "app/base.txt"),
        ("../base.txt", "base.txt"),
        ("./x/../base.txt", "app/base.txt"),
        ("../../etc/passwd", None),
        ("/etc/passwd", None),
        ("~/base.txt", None),
        ("https://evil.example/base.txt", None),
        ("$HOME/base.txt", None),
        ("..", None),
        ("..\\base.txt", None),
    ],
)
def test_no_include_leads_out_of_the_tree(include: str, expected: str | None) -> None:
    assert resolve("app/requirements.txt", include) == expected


def test_an_include_that_cannot_be_followed_is_a_gap() -> None:
    tree = read({"requirements.txt": "-r ../outside.txt\n-r gone.txt\nflask==2.0.0\n"})
    assert pinned(tree) == {"requirements.txt": ["flask==2.0.0"]}
    assert [(gap.reason, gap.path) for gap in tree.gaps] == [
        (GapReason.UNPARSED, "requirements.txt"),
        (GapReason.UNPARSED, "requirements.txt"),
    ]
    assert "outside of the repository" in tree.gaps[0].detail
    assert "not there" in tree.gaps[1].detail


def test_constraints_pin_for_those_who_include_them_and_require_nothing() -> None:
    tree = read(
        {
            "requirements.txt": "-c pinned.txt\nflask\ndjango>=3\n",
            "pinned.txt": "flask==2.0.0\ncelery<6\n",
            "constraints.txt": "unrelated<2\n",
        }
    )
    assert pinned(tree)["pinned.txt"] == ["flask==2.0.0"]
    assert unpinned(tree) == {"requirements.txt": ["django"]}


def test_what_is_unpinned_is_one_gap_that_names_the_packages() -> None:
    tree = read({"requirements.txt": "flask==2.0.0\nnumpy\nscipy>=1\nnumpy>=1\n"})
    assert tree.gaps == (
        Gap(
            GapReason.UNPINNED,
            "requirements.txt",
            "requirements without an exact version",
            2,
            ("pypi:numpy", "pypi:scipy"),
        ),
    )
    # What is pinned beside them still resolves when it is gone or bumped.
    assert not tree.gaps[0].covers("requirements.txt", "pypi:flask")
    assert tree.gaps[0].covers("requirements.txt", "pypi:numpy")


def test_a_lock_beside_or_above_answers_for_the_ranges_of_a_project() -> None:
    project = '[project]\nname = "x"\ndependencies = ["flask>=2"]\n'
    lock = 'version = 1\n[[package]]\nname = "flask"\nversion = "2.0.0"\n'
    files = {"pyproject.toml": project, "packages/a/pyproject.toml": project, "uv.lock": lock}
    assert unpinned(read(files)) == {}
    del files["uv.lock"]
    assert set(unpinned(read(files))) == {"pyproject.toml", "packages/a/pyproject.toml"}


def test_inputs_count_only_where_nothing_compiled_lies_beside_them() -> None:
    tree = read(
        {
            "requirements.in": "flask\n",
            "requirements.txt": "flask==2.0.0\n",
            "dev-requirements.in": "x\n",
        }
    )
    assert set(pinned(tree)) == {"requirements.txt", "dev-requirements.in"}


def test_what_only_executing_would_tell_is_a_gap() -> None:
    tree = read(
        {
            "setup.py": "setup(install_requires=['flask'])",
            "lib/setup.py": "setup()",
            "environment.yml": "dependencies:\n - numpy\n",
        }
    )
    assert [(gap.reason, gap.path) for gap in tree.gaps] == [
        (GapReason.UNSUPPORTED, "setup.py"),
        (GapReason.UNSUPPORTED, "environment.yml"),
    ]


def test_broken_and_missing_manifests_are_gaps_and_the_others_are_read() -> None:
    files = {
        "a/uv.lock": "version =",
        "b/poetry.lock": '[[package]]\nname = "x"\nversion = "1"\n',
        "requirements.txt": "flask==2.0.0\nwhat is this\nforked @ git+https://g.example/x@"
        + "0" * 40,
    }
    tree = read(files, missing="b/poetry.lock")
    assert pinned(tree) == {"requirements.txt": ["flask==2.0.0"]}
    assert {(gap.reason, gap.path, gap.subjects) for gap in tree.gaps} == {
        (GapReason.UNPARSED, "a/uv.lock", ()),
        (GapReason.MISSING_OBJECT, "b/poetry.lock", ()),
        (GapReason.UNPARSED, "requirements.txt", ()),
        (GapReason.UNRESOLVED, "requirements.txt", ("pypi:forked",)),
    }


def test_too_many_manifests_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "_MOST_FILES", 3)
    tree = read({f"{name}/requirements.txt": "x==1\n" for name in "abcdef"})
    assert len(tree.manifests) == 3
    assert [gap.reason for gap in tree.gaps] == [GapReason.TOO_MANY]
    # Nothing may resolve: nobody knows which manifests were left out.
    assert tree.gaps[0].covers("z/requirements.txt", "pypi:x")


def test_a_chain_of_includes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "_MOST_ROUNDS", 3)
    files = {f"f{n}.list": f"-r f{n + 1}.list\nx==1\n" for n in range(9)}
    tree = read({"requirements.txt": "-r f0.list\n", **files})
    assert "f0.list" in pinned(tree)
    assert [gap.reason for gap in tree.gaps] == [GapReason.TOO_MANY]
