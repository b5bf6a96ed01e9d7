"""Rule files: what is read of them, and mistakes that name their file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compline.model import Completed, Confidence, Look, Severity
from compline.scanners.blobs.keys import canary_rules
from compline.scanners.interface import CannotScan, ScanContext
from compline.scanners.semgrep import yaml_files
from compline.scanners.semgrep.rules import Rule, load_rules, rule_files
from compline.scanners.semgrep.scanner import Semgrep

Rules = Callable[..., Path]
Within = Callable[..., ScanContext]
Looks = Callable[..., dict[str, Look]]


def loaded(path: Path) -> dict[str, Rule]:
    return dict(load_rules([("r", path)], canary_rules("semgrep.yaml")).rules)


@pytest.mark.parametrize(
    ("severity", "metadata", "expected"),
    [
        ("ERROR", {}, Severity.HIGH),
        ("WARNING", {}, Severity.MEDIUM),
        ("INFO", {}, Severity.LOW),
        ("CRITICAL", {}, Severity.CRITICAL),
        ("LOW", {}, Severity.LOW),
        ("INVENTORY", {}, Severity.UNKNOWN),
        ("ERROR", {"severity": "low"}, Severity.LOW),
        ("INFO", {"severity": "CRITICAL"}, Severity.CRITICAL),
        ("INFO", {"severity": "nonsense"}, Severity.LOW),
    ],
)
def test_severities(severity: str, metadata: Any, expected: Severity, rules: Rules) -> None:
    path = rules({"severity": severity, "metadata": metadata})
    assert loaded(path)["eval-call"].severity is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("high", Confidence.HIGH),
        ("LOW", Confidence.LOW),
        ("MEDIUM", Confidence.MEDIUM),
        ("perhaps", Confidence.MEDIUM),
        (None, Confidence.MEDIUM),
    ],
)
def test_confidences(word: str | None, expected: Confidence, rules: Rules) -> None:
    path = rules({"metadata": {"confidence": word} if word else {}})
    assert loaded(path)["eval-call"].confidence is expected


def test_what_people_read(rules: Rules) -> None:
    path = rules(
        {
            "message": "The key $KEY\n  is  shown by $...ARGS. More of it.",
            "metadata": {
                "cwe": ["CWE-798: Use of hard-coded credentials", "CWE-200"],
                "owasp": "A07:2021",
                "references": ["https://one", "https://two"],
                "remediation": "Remove\nit.",
            },
        }
    )
    rule = loaded(path)["eval-call"]
    assert rule.title == "The key … is shown by …"
    assert rule.cwe == ("CWE-200", "CWE-798")
    assert rule.details == (
        ("remediation", "Remove it."),
        ("reference", "https://one"),
        ("reference", "https://two"),
        ("reference", "A07:2021"),
    )
    long = rules({"message": "x" * 500})
    assert len(loaded(long)["eval-call"].title) == 200


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: [", "line 2: "),
        ("rules:\n- id: a\n  id: b\n", "line 3: the key 'id' is there twice"),
        ("", "no list `rules`"),
        ("rules: []", "no list `rules`"),
        ("- id: a", "no list `rules`"),
        ("rules: [5]", "a rule without `id`"),
        ("rules: [{languages: [python]}]", "a rule without `id`"),
        ("rules: [{id: a}]", "'a' has no list `languages`"),
        ("rules: [{id: a, languages: python}]", "'a' has no list `languages`"),
        ("rules: [{id: a, languages: [python], mode: join}]", "the mode 'join'"),
        (
            "rules: [{id: compline-canary-taint, languages: [python]}]",
            "is in .*canary.semgrep.yaml",
        ),
        ("rules: [{id: a, languages: [py]}, {id: a, languages: [py]}]", "'a' is in .* rename one"),
        ("a: &a [*a]", "(no list `rules`|line)"),
    ],
)
def test_mistakes_name_the_file(text: str, problem: str, rules: Rules) -> None:
    path = rules()
    path.write_text(text)
    with pytest.raises(CannotScan, match=problem) as caught:
        loaded(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_no_text(rules: Rules) -> None:
    path = rules()
    path.write_bytes(b"rules: \xff")
    with pytest.raises(CannotScan, match="not UTF-8"):
        loaded(path)


def test_an_unknown_language(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    context = within(rules({"languages": ["klingon"]}))
    with pytest.raises(CannotScan, match="knows no language 'klingon'"):
        looks(context, git_repository({"a.py": "eval(x)\n"}).job())


@pytest.mark.parametrize(
    "change",
    [
        {"pattern": "def ("},
        {"pattern": None, "patterns": [{"pattern-nonsense": "x"}]},
        {"pattern": None, "pattern-regex": "("},
        {"mode": "taint"},
        {"min-version": "99.0.0"},
        {"languages": ["apex"]},
    ],
)
def test_a_rule_that_semgrep_cannot_take_is_said_once_and_nothing_is_scanned(
    change: dict[str, Any], within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    path = rules({}, {"id": "wrong", **change})
    raw = json.loads(json.dumps(yaml_files.load(path.read_text())))
    raw["rules"][1] = {key: value for key, value in raw["rules"][1].items() if value is not None}
    path.write_text(json.dumps(raw))
    with pytest.raises(CannotScan, match=r"rules.yaml: Semgrep does not take the rule .wrong. "):
        looks(within(path), git_repository({"a.py": "eval(x)\n"}).job())


def test_directories_of_rules(tmp_path: Path, rules: Rules) -> None:
    root = tmp_path / "own"
    for name in ("b.yml", "sub/a.yaml", "sub/a.test.yaml", ".hidden/c.yaml", "notes.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("rules: []")
    assert rule_files((), [root]) == [
        ("own/b.yml", root / "b.yml"),
        ("own/sub/a.yaml", root / "sub" / "a.yaml"),
    ]
    empty = tmp_path / "empty"
    empty.mkdir()
    for missing, problem in ((empty, "holds no rule files"), (tmp_path / "no", "is not there")):
        with pytest.raises(CannotScan, match=f"{missing} {problem}"):
            rule_files((), [missing])


def test_missing_rules_fail_the_key_already(within: Within, tmp_path: Path) -> None:
    with pytest.raises(CannotScan, match="is not there"):
        Semgrep().scan_key(within(tmp_path / "nowhere"))


def test_yaml_means_what_it_says() -> None:
    text = (
        "a: no\nb: on\nc: 2020-01-01\nd: 12:30:45\ne: 0o17\nf: 017\ng: true\nh: ~\ni: 1e3\n"
        "base: &base {x: 1}\nj: {<<: *base, y: 2}\n"
    )
    assert yaml_files.load(text) == {
        "a": "no",
        "b": "on",
        "c": "2020-01-01",
        "d": "12:30:45",
        "e": 15,
        "f": 17,
        "g": True,
        "h": None,
        "i": 1000.0,
        "base": {"x": 1},
        "j": {"x": 1, "y": 2},
    }


def test_anchors_reach_semgrep_resolved(
    within: Within, looks: Looks, git_repository: Any, rules: Rules
) -> None:
    path = rules()
    path.write_text(
        """rules:
  - &one
    id: one
    languages: [python]
    severity: ERROR
    message: m
    patterns: &patterns
      - pattern-either: &either
          - pattern: eval(...)
  - id: two
    languages: [python]
    severity: ERROR
    message: m
    pattern-either: *either
  - <<: *one
    id: three
"""
    )
    outcome = looks(within(path), git_repository({"a.py": "eval(x)\n"}).job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert [each.rule for each in outcome.observations] == ["one", "three", "two"]


def test_our_packs_are_taken_by_semgrep(within: Within, looks: Looks, git_repository: Any) -> None:
    context = within(packs=("ai", "python"))
    code = "import pickle\n\n\ndef load(path):\n    return pickle.load(open(path, 'rb'))\n"
    outcome = looks(context, git_repository({"a.py": code}).job())["shop"].outcome
    assert isinstance(outcome, Completed)
    assert {each.place.line for each in outcome.observations} == {5}
    assert {each.rule for each in outcome.observations} >= {"ai-pickle-load"}
    assert all(each.title and each.cwe and each.details for each in outcome.observations)
