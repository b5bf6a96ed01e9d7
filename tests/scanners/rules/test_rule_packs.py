"""The Semgrep rule packs: every rule loads, says what it must, and does what its test file shows.

`semgrep scan --validate` is not used: it fetches its lint rules from semgrep.dev and fails without
a network. Loading a pack with `--strict` over a small file finds the same errors of schema and
pattern.
"""

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "include" / "compline" / "scanners" / "rules"
TESTS = ROOT / "tests" / "scanners" / "rules"

MINIMUM = {"ai": 40, "python": 30}
"""Pack: how many rules it has at the least."""

OTHER = {"canary"}
"""Folders of rules that are no packs: the canary is tested with the adapter that plants it."""

METADATA = {"cwe", "references", "remediation", "confidence", "severity"}
CONFIDENCES = {"low", "medium", "high"}
SEVERITIES = {"low", "medium", "high", "critical"}
SEMGREP_SEVERITIES = {"INFO", "WARNING", "ERROR"}

REFERENCE = re.compile(
    r"OWASP-LLM(0[1-9]|10):2025|OWASP-ML(0[1-9]|10):2023|OWASP-A(0[1-9]|10):2021"
    r"|AML\.T\d{4}(\.\d{3})?"
)
ANNOTATION = re.compile(
    r"(?:#|//|/\*|<!--|\{#)\s*(ruleid|ok):\s*([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)"
)
SECRET_CWES = {"CWE-259", "CWE-312", "CWE-321", "CWE-522", "CWE-532", "CWE-798"}

packs = pytest.mark.parametrize("pack", sorted(MINIMUM))


def rule_files(pack):
    return sorted((RULES / pack).glob("*.yaml"))


def rules_of(pack):
    """Rule and the stem of its file, for every rule of the pack."""
    return [
        (rule, path.stem)
        for path in rule_files(pack)
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
    ]


def annotations(pack):
    """How often each test file of the pack says ruleid or ok of a rule: (stem, word, rule id)."""
    counts = Counter()
    for path in sorted((TESTS / pack).iterdir()):
        if path.is_file():
            for word, ids in ANNOTATION.findall(path.read_text(encoding="utf-8")):
                stem = path.name.split(".")[0]
                counts.update((stem, word, rule.strip()) for rule in ids.split(","))
    return counts


@pytest.fixture(scope="module")
def semgrep_bin():
    """The Semgrep of the project: COMPLINE_SEMGREP, or the newest that `make tools` has built."""
    named = os.environ.get("COMPLINE_SEMGREP")
    if named:
        if not Path(named).is_file():
            pytest.fail(f"COMPLINE_SEMGREP names {named}, which does not exist")
        return named
    built = sorted(
        (ROOT / ".compline" / "tools").glob("semgrep*/bin/semgrep"),
        key=lambda path: path.stat().st_mtime,
    )
    if not built:
        pytest.fail("semgrep is missing: run `make tools`, or set COMPLINE_SEMGREP")
    return str(built[-1])


@pytest.fixture
def semgrep(semgrep_bin, tmp_path):
    """Run `semgrep scan` offline with JSON output; gives the exit code, the report and stderr."""
    environment = {
        "PATH": f"{Path(semgrep_bin).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "SEMGREP_SEND_METRICS": "off",
        "SEMGREP_ENABLE_VERSION_CHECK": "0",
        "SEMGREP_SETTINGS_FILE": str(tmp_path / "settings.yml"),
        "SEMGREP_LOG_FILE": str(tmp_path / "semgrep.log"),
    }

    def run(*arguments):
        command = [semgrep_bin, "scan", "--metrics=off", "--disable-version-check", "--json"]
        done = subprocess.run(
            [*command, *map(str, arguments)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.stdout.strip(), done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    return run


@packs
def test_pack_has_enough_rules(pack):
    assert len(rules_of(pack)) >= MINIMUM[pack]


def test_every_pack_is_under_test():
    assert {path.name for path in RULES.iterdir() if path.is_dir()} - OTHER == set(MINIMUM)


def test_ids_are_unique_across_the_packs_and_kebab_case():
    ids = [rule["id"] for pack in MINIMUM for rule, _ in rules_of(pack)]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", name)] == []


@packs
def test_every_rule_says_what_it_must(pack):
    wrong = {}
    for rule, _ in rules_of(pack):
        metadata = rule.get("metadata", {})
        problems = [
            problem
            for problem, found in {
                "metadata keys": set(metadata) != METADATA,
                "cwe": not all(re.fullmatch(r"CWE-\d+", cwe) for cwe in metadata.get("cwe", [""])),
                "no cwe": not metadata.get("cwe"),
                "no OWASP or ATLAS reference": not any(
                    REFERENCE.fullmatch(reference) for reference in metadata.get("references", [])
                ),
                "remediation": len(str(metadata.get("remediation", "")).split()) < 3,
                "confidence": metadata.get("confidence") not in CONFIDENCES,
                "severity": metadata.get("severity") not in SEVERITIES,
                "Semgrep's severity": rule.get("severity") not in SEMGREP_SEVERITIES,
                "message": len(rule.get("message", "").split()) < 6,
                "languages": not rule.get("languages"),
            }.items()
            if found
        ]
        if problems:
            wrong[rule["id"]] = problems
    assert wrong == {}


@packs
def test_messages_about_secrets_hold_no_code(pack):
    talkative = [
        rule["id"]
        for rule, _ in rules_of(pack)
        if SECRET_CWES & set(rule["metadata"]["cwe"]) and re.search(r"\$[A-Z_]+", rule["message"])
    ]
    assert talkative == []


@packs
def test_rule_files_stay_readable(pack):
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in rule_files(pack)}
    assert lengths != {}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


@packs
def test_every_rule_has_two_positives_and_two_negatives(pack):
    counts = annotations(pack)
    poor = {
        rule["id"]: {word: counts[stem, word, rule["id"]] for word in ("ruleid", "ok")}
        for rule, stem in rules_of(pack)
        if counts[stem, "ruleid", rule["id"]] < 2 or counts[stem, "ok", rule["id"]] < 2
    }
    assert poor == {}


@packs
def test_annotations_name_rules_of_the_same_file(pack):
    known = {(stem, rule["id"]) for rule, stem in rules_of(pack)}
    assert {(stem, rule) for stem, _, rule in annotations(pack)} - known == set()


@packs
def test_pack_loads_without_errors(pack, semgrep, tmp_path):
    target = tmp_path / "empty.py"
    target.write_text("value = 1\n", encoding="utf-8")
    code, report, stderr = semgrep("--strict", "--config", RULES / pack, target)
    assert report["errors"] == []
    assert code == 0, stderr
    assert [Path(name).name for name in report["paths"]["scanned"]] == ["empty.py"]


def test_loading_a_broken_pack_is_noticed(semgrep, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    rule = {"id": "x", "message": "m", "severity": "ERROR", "languages": ["python"]}
    document = {"rules": [{**rule, "pattern": "call(((("}]}
    (broken / "broken.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (tmp_path / "empty.py").write_text("value = 1\n", encoding="utf-8")
    code, report, _ = semgrep("--strict", "--config", broken, tmp_path / "empty.py")
    assert code != 0
    assert report["errors"] != []


@packs
def test_semgrep_agrees_with_the_test_files(pack, semgrep):
    code, report, stderr = semgrep("--test", "--config", RULES / pack, TESTS / pack)
    checks = {
        rule: check
        for result in report["results"].values()
        for rule, check in result["checks"].items()
    }
    failed = {
        rule: check["matches"] or check["errors"]
        for rule, check in checks.items()
        if not check["passed"]
    }
    assert failed == {}
    assert report["config_with_errors"] == []
    assert report["config_missing_tests"] == []
    assert sorted(checks) == sorted(rule["id"] for rule, _ in rules_of(pack))
    assert code == 0, stderr
