"""The hash-pinned requirement files: complete, of one mind, and free of this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    [*ROOT.glob("requirements/*.txt"), *ROOT.glob("include/compline/tools/requirements/*.txt")]
)
PIN = re.compile(r"^([a-z0-9-]+)==(\S+) \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def pins(path: Path) -> dict[str, str]:
    """Version by package."""
    found = (PIN.match(line) for line in path.read_text().splitlines())
    return {match[1]: match[2] for match in found if match}


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) == 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_line_is_a_pin_or_a_hash(path: Path) -> None:
    """So there is no index address, no host, no path, no editable and nothing unpinned."""
    lines = path.read_text().splitlines()
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert bool(PIN.match(line) or line.endswith("\\")) == bool(HASH.match(following))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_asked_for_is_in_it(path: Path) -> None:
    compiled = pins(path)
    for line in path.with_suffix(".in").read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:\[[^]]*\])?(?:==(\S+))?", line):
            name, version = match[1].lower(), match[2]
            assert name in compiled
            assert version in (None, compiled[name])


@pytest.mark.parametrize("name", ["distributed", "dev"])
def test_the_tests_run_what_is_shipped(name: str) -> None:
    shipped = pins(ROOT / "requirements" / "compline.txt")
    assert shipped.items() <= pins(ROOT / "requirements" / f"{name}.txt").items()


def test_every_file_is_compiled_by_the_script() -> None:
    script = (ROOT / "requirements" / "compile.sh").read_text()
    for path in FILES:
        assert re.search(rf"\b{path.stem}\b", script)
