"""A large report as Semgrep's adapter reads it: 13,000 observations in the files of a repository.

The files are real (a git repository of two commits, the second with forty lines put above all
others), so that spans, symbols, fingerprints and blobs are what the library itself computes and
the change between both commits is what it reads from git.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import corpus

from compline.config.schema import Limits
from compline.findings.change import TreeChange
from compline.findings.fingerprints import CodeReader
from compline.model import (
    Confidence,
    FindingKind,
    Observation,
    Place,
    Severity,
)
from compline.source.compare import compare
from compline.source.mirror import Mirror
from compline.source.remote import Remote, resolve_head

ABOVE = 40
"""Lines put at the top of every file."""
_HEADER = "".join(f"SETTING_{number} = {number}\n" for number in range(ABOVE))


@dataclass(frozen=True)
class Rule:
    """What a rule of the report says, and the line that it is about."""

    name: str
    severity: Severity
    cwe: str
    code: str
    title: str


_RULES = (
    Rule("subprocess-shell", Severity.HIGH, "CWE-78", "subprocess.run({0}, shell=True)",
         "A command is run through a shell"),
    Rule("exec-used", Severity.MEDIUM, "CWE-95", "exec({0})", "Text is run as code"),
    Rule("weak-hash", Severity.LOW, "CWE-327", "digest = hashlib.md5({0}).hexdigest()",
         "A broken hash is used"),
    Rule("sql-from-text", Severity.CRITICAL, "CWE-89",
         'cursor.execute("SELECT * FROM t WHERE a = " + {0})', "A query is put together from text"),
    Rule("yaml-load", Severity.HIGH, "CWE-502", "data = yaml.load({0}, Loader=yaml.Loader)",
         "YAML may make any object"),
)  # fmt: skip


@dataclass(frozen=True)
class Commit:
    """One state of the repository with what a scanner says of it."""

    revision: str
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Report:
    """Both states, and what git says happened between them."""

    first: Commit
    shifted: Commit
    change: TreeChange


def build(home: Path, *, files: int = 1_300, findings: int = 10, seed: int = corpus.SEED) -> Report:
    """Makes the repository, reads it as the adapter would, and compares its two commits.

    Args:
        home: an empty folder.
        files: how many.
        findings: in each of them.
        seed: of the files' content.
    """
    dice = random.Random(seed)
    work = home / "repository"
    work.mkdir(parents=True)
    corpus.git(work, "init", "--quiet", "--initial-branch=main")
    texts = {f"service{n % 37}/module_{n}.py": _text(dice, n, findings) for n in range(files)}
    first = _commit(work, texts)
    moved = {path: _HEADER + text for path, text in texts.items()}
    second = _commit(work, moved)
    mirror = Mirror(home / "mirror", Remote(f"file://{work}", "", None), Limits(), "full")
    mirror.fetch(resolve_head(mirror.remote, mirror.limits))
    return Report(
        Commit(first, tuple(_observations(work, first, texts))),
        Commit(second, tuple(_observations(work, second, moved))),
        compare(mirror, first, second, frozenset(texts)),
    )


def _text(dice: random.Random, number: int, findings: int) -> str:
    """A module whose functions each hold one defect; some lines are equal, as in real code."""
    parts = ["import hashlib\nimport subprocess\nimport yaml\n\n"]
    for index in range(findings):
        name = dice.choice(("load", "save", "render", "send", "check"))
        argument = dice.choice(("text", "value", "request.args['q']", f"item_{number % 50}"))
        rule = dice.choice(_RULES)
        parts.append(
            f"\ndef {name}_{index}(text, value, request, cursor, item_{number % 50}):\n"
            f"    # {dice.choice(('as before', 'see the ticket', 'for now'))}\n"
            f"    {rule.code.format(argument)}\n"
            f"    return value\n\n"
        )
    return "".join(parts)


def _commit(work: Path, texts: Mapping[str, str]) -> str:
    for path, text in texts.items():
        (work / path).parent.mkdir(exist_ok=True)
        (work / path).write_text(text)
    corpus.git(work, "add", "--all")
    corpus.git(work, "commit", "--quiet", "--message", "state")
    return corpus.git(work, "rev-parse", "HEAD").strip()


def _observations(work: Path, revision: str, texts: Mapping[str, str]) -> Iterator[Observation]:
    listed = corpus.git(work, "ls-tree", "-r", revision).splitlines()
    blobs = {line.split("\t")[1]: line.split()[2] for line in listed}
    heads = {rule.code.split("{0}")[0]: rule for rule in _RULES}
    for path, text in texts.items():
        reader = CodeReader(path, text)
        for line, words in enumerate(text.split("\n"), 1):
            rule = next(
                (one for head, one in heads.items() if words.strip().startswith(head)), None
            )
            if rule is None:
                continue
            evidence = reader.evidence(line, line, 5, len(words) + 1)
            yield Observation(
                scanner="semgrep",
                rule=f"python.{rule.name}",
                kind=FindingKind.CODE,
                severity=rule.severity,
                confidence=Confidence.MEDIUM,
                title=rule.title,
                place=Place(
                    *(path, line, line, 5, len(words) + 1),
                    symbol=evidence.symbol,
                    scope=evidence.scope,
                    blob=blobs[path],
                ),
                fingerprints=evidence.fingerprints,
                cwe=(rule.cwe,),
                details=(("reference", f"https://cwe.mitre.org/data/definitions/{rule.cwe[4:]}"),),
            )
