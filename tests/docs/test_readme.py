"""What the pages say exists: commands, make targets, options, links, examples, scanners."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from compline.cli.main import app
from compline.config.loader import ConfigError, parse_config
from compline.scanners import registry

COMMAND: Any = typer.main.get_command(app)
for name in tuple(COMMAND.commands):
    COMMAND.load(name)
COMPLINE = re.compile(r"^(?:\$ )?compline(?: .*)?$")


def spans(text: str) -> Iterator[str]:
    """Everything that is set as code: lines of blocks, and what stands between backquotes."""
    for language, block in re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL):
        if language in ("console", "sh", "bash", "shell", ""):
            yield from (line.split("  #")[0].strip() for line in block.splitlines())
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))


def problem_with(line: str) -> str:
    """Why this is no command of ours; empty if it is one."""
    words = shlex.split(line.removeprefix("$ "))[1:]
    command: Any = COMMAND
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if getattr(command, "commands", None) and words and not words[0].startswith("-"):
        return f"{line}: there is no {words[0]!r}"
    options = {name for p in command.params for name in (*p.opts, *p.secondary_opts)} | {"--help"}
    wrong = [
        w for w in words if w.startswith("-") and w != "-" and w.partition("=")[0] not in options
    ]
    return f"{line}: no option {wrong[0]}" if wrong else ""


def targets_of(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


def anchors(text: str) -> set[str]:
    """As code hosts make them from headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def test_every_command_that_is_named_exists(guides: dict[str, str]) -> None:
    lines = [line for text in guides.values() for line in spans(text) if COMPLINE.match(line)]
    assert len(lines) > 8
    assert [problem for line in lines if (problem := problem_with(line))] == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("compline scan --target x", ""),
        ("compline scna", "no 'scna'"),
        ("compline tools instal", "no 'instal'"),
        ("compline scan --targets x", "no option --targets"),
    ],
)
def test_the_check_of_commands(line: str, problem: str) -> None:
    assert problem in problem_with(line)
    assert bool(problem) == bool(problem_with(line))


def test_every_command_that_a_message_names_exists(committed: dict[str, str]) -> None:
    """Errors say what to do: the command that they name must be there."""
    named = {
        (name, f"compline {found}")
        for name, text in committed.items()
        if name.startswith(("include/", "dags/", "plugins/")) and name.endswith((".py", ".html"))
        for found in re.findall(r"`compline ([a-z][a-z-]+(?: [a-z-]+)?)", text)
    }
    assert len(named) > 10
    # The second word may be an argument: `compline tools install trivy`.
    assert [(name, p) for name, line in sorted(named) if (p := problem_with(line))] == []


def test_every_make_target_that_is_named_exists(root: Path, guides: dict[str, str]) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    named = {
        match[1]
        for text in guides.values()
        for span in spans(text)
        if (match := re.match(r"^(?:\$ )?make ([a-z][a-z-]*)", span))
    }
    assert {"nightly", "test", "up", "bench", "prove", "parity", "lint"} <= named
    assert named <= targets_of(makefile)


def test_programs_that_make_starts_exist(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    scripts = re.findall(r"\$\(PY\) (tests/\S+\.py)|bash (requirements/\S+)", makefile)
    paths = [path for pair in scripts for path in pair if path]
    assert paths
    assert [path for path in paths if not (root / path).exists()] == []


def test_every_phony_target_is_one(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == targets_of(makefile)


def test_the_example_is_a_valid_configuration(guides: dict[str, str]) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", guides["README.md"], re.DOTALL)
    whole = [block for block in blocks if "organisation" in yaml.safe_load(block)]
    assert whole
    for block in whole:
        config = parse_config(block, Path("compline.yaml"))
        assert config.targets.repositories


def test_the_shown_mistake_is_what_is_said(guides: dict[str, str]) -> None:
    shown = re.search(r"^compline\.yaml:6: .*$", guides["README.md"], re.MULTILINE)
    assert shown is not None
    text = (
        "organisation: acme\ntargets:\n  repositories:\n    - name: a\n"
        "      url: https://git.example.org/a\n      brnch: main\n"
    )
    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path("compline.yaml"))
    assert str(caught.value) == shown[0]


def test_the_table_has_every_scanner_and_no_other(guides: dict[str, str]) -> None:
    section = guides["README.md"].split("## What is checked")[1].split("\n## ")[0]
    firsts = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    assert sorted(re.findall(r"`([^`]+)`", " ".join(firsts))) == sorted(registry.names())


def test_the_table_says_of_every_scanner_with_which_rights_and_how_one_is_added(
    guides: dict[str, str],
) -> None:
    section = guides["README.md"].split("## What is checked, with which rights")[1]
    rows = re.findall(r"^\| (`.+) \|$", section.split("\n## ")[0], re.MULTILINE)
    for row in rows:
        names, looks_at, rights, more = (cell.strip() for cell in row.split(" | "))
        assert re.search(r"[a-z]{4}", looks_at), names
        assert re.search(r"[a-z]{4}", rights), names
        assert re.search(r"\]\((#add-your-own|docs/checks/[a-z-]+\.md)\)", more), names
        pages = re.findall(r"\((docs/checks/[a-z-]+\.md)\)", more)
        for page in pages:
            assert re.search(r"^## .*(add|adding|more)\b", guides[page], re.M | re.I), page


def test_links_lead_somewhere(root: Path, guides: dict[str, str]) -> None:
    wrong = []
    for page, text in guides.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = link.partition("#")
            if "://" in link:
                continue
            target = (root / page).parent / path if path else root / page
            if not target.exists() or (
                anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
            ):
                wrong.append(f"{page}: {link}")
    assert wrong == []


def test_files_that_are_named_exist(root: Path, guides: dict[str, str]) -> None:
    """Paths between backquotes; those that a command creates or a user writes are not ours."""
    starts = ("include/", "tests/", "dags/", "plugins/", "docs/", "requirements/", "pipeline/",
              "scanners/", "source/", "findings/", "store/", "tools/", "cli/")  # fmt: skip
    made = {"docs/measurements.md"}
    wrong = []
    for page, text in guides.items():
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for span in re.findall(r"`([^`\s<>*]+)`", prose):
            if span.startswith(starts) and span not in made and "." in Path(span).name:
                places = (root / span, root / "include" / "compline" / span)
                if not any(place.exists() for place in places):
                    wrong.append(f"{page}: {span}")
    assert wrong == []
