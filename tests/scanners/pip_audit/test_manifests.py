"""Reading manifests: what they pin, what they leave open, and those that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compline.scanners.requirements import Manifest, Unreadable, kind_of, read_manifest
from compline.scanners.requirements.find import Kind
from compline.scanners.requirements.lines import read_lines


def pins(manifest: Manifest) -> list[tuple[str, str, int | None]]:
    return [(pin.name, pin.version, pin.line) for pin in manifest.pins]


def unpinned(manifest: Manifest) -> list[tuple[str, int | None]]:
    return [(each.name, each.line) for each in manifest.unpinned]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("requirements.txt", "requirements"),
        ("deploy/requirements-dev.txt", "requirements"),
        ("dev_requirements.txt", "requirements"),
        ("Requirements.TXT", "requirements"),
        ("requirements/base.txt", "requirements"),
        ("requirements/ci/gpu.txt", "requirements"),
        ("requirements.in", "inputs"),
        ("constraints.txt", "constraints"),
        ("constraints/a.txt", "constraints"),
        ("uv.lock", "toml-lock"),
        ("a/poetry.lock", "toml-lock"),
        ("pdm.lock", "toml-lock"),
        ("Pipfile.lock", "pipfile-lock"),
        ("pylock.toml", "pylock"),
        ("pylock.gpu.toml", "pylock"),
        ("pyproject.toml", "pyproject"),
        ("work/a.ipynb", "notebook"),
        ("setup.py", "opaque"),
        ("my-requirements.md", None),
        ("licences.txt", None),
        ("requirements", None),
        ("pylock.a.b.toml", None),
        ("uv.lock.bak", None),
    ],
)
def test_names(path: str, kind: Kind | None) -> None:
    assert kind_of(path) == kind


REQUIREMENTS = """\
# deployed
--index-url https://user:secret@pypi.example/simple
Flask==2.0.0  # web
PyYAML [libyaml] == 5.3 ; python_version < "3.12"
torch==2.0.0+cu118
numpy===1.26.0
pandas == 2.*
requests>=2,<3
scipy
werkzeug==2.0.0 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
-r base.txt
-c ../constraints.txt
--requirement=more.txt
-e .
-e ./libs/own
./wheels/own-1.0-py3-none-any.whl
-e git+https://git.example/x/tool.git@v1.0#egg=Tool
git+https://git.example/x/pinned.git@0123456789012345678901234567890123456789#egg=pinned
mine @ git+ssh://git@git.example/x/mine.git
wheel @ https://files.example/wheel-1.0-py3-none-any.whl
https://files.example/unnamed-1.0.tar.gz
this is no requirement
name==${VERSION}
last==1.0"""


def test_a_requirements_file() -> None:
    manifest = read_lines(REQUIREMENTS)
    assert pins(manifest) == [
        ("flask", "2.0.0", 3),
        ("pyyaml", "5.3", 4),
        ("torch", "2.0.0+cu118", 5),
        ("numpy", "1.26.0", 6),
        ("werkzeug", "2.0.0", 10),
        ("last", "1.0", 26),
    ]
    assert manifest.pins[1].marker == 'python_version < "3.12"'
    assert unpinned(manifest) == [
        ("pandas", 7),
        ("requests", 8),
        ("scipy", 9),
        ("tool", 19),
        ("mine", 21),
    ]
    assert [(each.path, each.constraint) for each in manifest.includes] == [
        ("base.txt", False),
        ("../constraints.txt", True),
        ("more.txt", False),
    ]
    assert [(each.subject, each.line) for each in manifest.unresolved] == [
        ("pinned", 20),
        ("wheel", 22),
        ("", 23),
    ]
    assert [each.line for each in manifest.unreadable] == [24, 25]
    assert "secret" not in repr(manifest)


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16-le", "utf-16-be"])
def test_byte_order_marks(mark: str) -> None:
    content = "\ufeff".encode(mark.removesuffix("-sig")) + "flask==2.0.0\r\n".encode(
        mark.removesuffix("-sig")
    )
    assert pins(read_manifest("requirements", content)) == [("flask", "2.0.0", 1)]


UV = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "shop"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "flask" }]

[[package]]
name = "Flask"
version = "2.0.0"
source = { registry = "https://index.example.org/simple" }

[[package]]
name = "flask"
version = "2.3.3"
source = { registry = "https://index.example.org/simple" }

[[package]]
name = "forked"
version = "1.0"
source = { git = "https://git.example/x?rev=1#0123" }

[[package]]
name = "odd"
version = "not-a-version"

[[package]]
name = "nameless-version"

[[package]]
version = "1"
"""


def test_uv_and_poetry_locks() -> None:
    manifest = read_manifest("toml-lock", UV.encode())
    assert pins(manifest) == [("flask", "2.0.0", 10), ("flask", "2.3.3", 15), ("forked", "1.0", 20)]
    assert manifest.pins[0].end_line == 14
    assert unpinned(manifest) == [("nameless-version", 29)]
    assert [(each.subject, each.line) for each in manifest.unresolved] == [("odd", 25)]
    assert [each.line for each in manifest.unreadable] == [32]
    inline = 'package = [{ name = "flask", version = "2.0.0" }]\n'
    assert pins(read_manifest("toml-lock", inline.encode())) == [("flask", "2.0.0", None)]
    assert read_manifest("toml-lock", b"version = 1\n") == Manifest()


def test_pylock() -> None:
    text = """\
lock-version = "1.0"
[[packages]]
name = "flask"
version = "2.0.0"
marker = "python_version > '3'"
[[packages]]
name = "own"
directory = { path = "." }
[[packages]]
name = "forked"
vcs = { type = "git", url = "https://git.example/x", commit-id = "0123" }
"""
    manifest = read_manifest("pylock", text.encode())
    assert pins(manifest) == [("flask", "2.0.0", 2)]
    assert manifest.pins[0].marker == "python_version > '3'"
    assert [(each.subject, each.line) for each in manifest.unresolved] == [("forked", 9)]


def test_pipfile_lock() -> None:
    value = {
        "_meta": {"requires": {"python_version": "3.11"}},
        "default": {
            "Flask": {"version": "==2.0.0", "markers": "python_version >= '3'"},
            "own": {"path": "."},
            "forked": {"git": "https://git.example/x", "ref": "0123"},
        },
        "develop": {"pytest": {"version": "==7.0.0"}, "loose": {"version": "*"}},
    }
    manifest = read_manifest("pipfile-lock", json.dumps(value, indent=4).encode())
    assert pins(manifest) == [("flask", "2.0.0", 8), ("pytest", "7.0.0", 21)]
    assert manifest.pins[0].marker == "python_version >= '3'"
    assert unpinned(manifest) == [("loose", 24)]
    assert [each.subject for each in manifest.unresolved] == ["forked"]


PYPROJECT = """\
[build-system]
requires = ["setuptools==1.0"]

[project]
name = "Shop"
dependencies = [
    "flask==2.0.0",
    "requests>=2",
]

[project.optional-dependencies]
gpu = ["torch==2.0.0 ; sys_platform == 'linux'"]
all = ["shop[gpu]"]

[dependency-groups]
dev = ["pytest==7.0.0", { include-group = "gpu" }]

[tool.poetry.dependencies]
python = "^3.11"
django = "4.0"
celery = { version = "^5.0" }

[tool.poetry.group.docs.dependencies]
sphinx = "==6.0"
"""


def test_pyproject() -> None:
    manifest = read_manifest("pyproject", PYPROJECT.encode())
    assert pins(manifest) == [
        ("flask", "2.0.0", 7),
        ("torch", "2.0.0", 12),
        ("pytest", "7.0.0", 16),
        ("django", "4.0", 20),
        ("sphinx", "6.0", 24),
    ]
    assert unpinned(manifest) == [("requests", 8), ("celery", 21)]
    assert manifest.unreadable == ()


def test_a_notebook_counts_within_its_cells() -> None:
    def cell(source: object, kind: str = "code") -> dict[str, Any]:
        return {"cell_type": kind, "source": source}

    notebook = {
        "cells": [
            cell("%pip install not-code==1.0", "markdown"),
            cell(["import os\n", "%pip install -q Flask==2.0.0 'numpy>=1.20' --upgrade\n"]),
            cell("!pip3 install --index-url https://u:p@x.example torch==2.0.0 && echo pip\n"),
            cell("! python -m pip install -r requirements-nb.txt -e . {package} $MORE\n"),
            cell("print('pip install nothing==1.0')"),
        ]
    }
    manifest = read_manifest("notebook", json.dumps(notebook).encode())
    assert [(pin.name, pin.version, pin.cell, pin.line) for pin in manifest.pins] == [
        ("flask", "2.0.0", 2, 2),
        ("torch", "2.0.0", 3, 1),
    ]
    assert [(each.name, each.cell, each.line) for each in manifest.unpinned] == [("numpy", 2, 2)]
    assert [each.path for each in manifest.includes] == ["requirements-nb.txt"]
    assert read_manifest("notebook", b'{"cells": []}') == Manifest()


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("toml-lock", b"version = ", "not valid"),
        ("toml-lock", b"package = 3", "not valid"),
        ("toml-lock", b"a = " + b"[" * 100_000, "nested too deeply|not valid"),
        ("pipfile-lock", b"[" * 100_000, "nested too deeply|not valid"),
        ("pipfile-lock", b"[]", "not valid"),
        ("pyproject", b"[project", "not valid"),
        ("notebook", b'{"pip": 1}', "not valid"),
        ("requirements", b"flask==2.0.0\n\xff\xfe\xfa", "not text"),
    ],
)
def test_what_cannot_be_read_is_said_without_quoting_it(
    kind: Kind, content: bytes, said: str
) -> None:
    with pytest.raises(Unreadable, match=said) as caught:
        read_manifest(kind, content)
    assert len(str(caught.value)) < 100
