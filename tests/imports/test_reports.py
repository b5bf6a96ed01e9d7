"""Reports of the real tools, as they come out of a CI job, become findings with witnesses."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from compline.model import FindingKind, RunResult

SCANNERS = {
    "bandit": ("bandit", "import:bandit", 5),
    "semgrep": ("semgrep", "import:semgrep", 2),
    "semgrep.sarif": ("sarif", "import:sarif:semgrep-oss", 2),
    "pip-audit": ("pip-audit", "import:pip-audit", 8),
    "pip-audit.cdx": ("cyclonedx", "import:cyclonedx", 8),
    "trivy": ("trivy", "import:trivy", 12),
    "trivy.sarif": ("sarif", "import:sarif:trivy", 12),
    "trivy.cdx": ("cyclonedx", "import:cyclonedx:trivy", 9),
}


@pytest.mark.parametrize("name", SCANNERS)
def test_a_real_report(name: str, reports: Callable[[str], bytes], shop: Any) -> None:
    form, scanner, count = SCANNERS[name]
    taken = shop.take(form, reports(name), complete=True)
    assert (taken.row.scanner, taken.row.outcome) == (scanner, "completed")
    assert taken.row.observations == count
    assert taken.row.gaps == ()
    assert taken.row.evidence
    assert taken.result is RunResult.FINDINGS
    found = shop.open()
    again = shop.take(form, reports(name), complete=True)
    assert again.row.observations == count
    assert shop.open().keys() == found.keys()


def test_all_of_them_together(
    stored: Any, reports: Callable[[str], bytes], secrets_of_tree: Any
) -> None:
    """One defect seen by several tools is one finding, and no secret is kept anywhere."""
    for name, (form, *_) in SCANNERS.items():
        assert stored.take(form, reports(name)).row.outcome == "completed"
    found = list(stored.open().values())
    by_witnesses = {
        (one.title, frozenset(each.scanner.removeprefix("import:") for each in one.witnesses))
        for one in found
    }
    code = {"bandit", "semgrep", "sarif:semgrep-oss"}
    assert ("A process is started through a shell", frozenset(code)) in by_witnesses
    assert ("Data is unpickled, which can run code", frozenset(code)) in by_witnesses
    packages = [one for one in found if one.kind is FindingKind.DEPENDENCY]
    assert len(packages) == 9
    flask = next(one for one in packages if one.package == "pypi:flask")
    assert len({each.scanner for each in flask.witnesses}) == 5
    (secret,) = [one for one in found if one.kind is FindingKind.SECRET]
    assert {each.scanner for each in secret.witnesses} == {"import:trivy", "import:sarif:trivy"}
    kept = stored.everything()
    assert b"unpickled" in kept
    for text in secrets_of_tree:
        assert text.encode() not in kept
    for code_line in (b"pickle.loads(data)", b"shell=True"):
        assert code_line not in kept
    assert "requires login" not in set().union(*stored.fingerprints().values())


def test_places_and_fingerprints_are_those_of_our_own_scans(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take("bandit", reports("bandit"))
    shell = next(one for one in shop.open().values() if one.line == 10)
    (witness,) = shell.witnesses
    assert (witness.path, witness.line, witness.symbol) == ("app/run.py", 10, "run")
    assert witness.fingerprint.startswith("py-ast/")


def test_what_moves_keeps_its_finding(shop: Any, checkout: Any, tree: Any) -> None:
    """The second report is made after forty lines were put above."""
    shop.take("bandit", checkout.bandit(), complete=True)
    before = shop.open()
    moved = {**tree, "app/run.py": "# one more line\n" * 40 + tree["app/run.py"]}
    shop.commit(moved)
    try:
        checkout.write(moved)
        taken = shop.take("bandit", checkout.bandit(), complete=True)
    finally:
        checkout.write(tree)
    assert taken.row.observations == 5
    after = shop.open()
    assert after.keys() == before.keys()
    assert {one.line for one in after.values()} == {one.line + 40 for one in before.values()}


def test_requires_login_tells_nothing_apart(shop: Any, reports: Callable[[str], bytes]) -> None:
    for name, form in (("semgrep", "semgrep"), ("semgrep.sarif", "sarif")):
        assert b"requires login" in reports(name)
        shop.take(form, reports(name))
    assert len(shop.open()) == 2
    assert not {name for name in shop.fingerprints() if name.startswith(("semgrep", "sarif"))}
    # A single finding is no proof that the words would tell two apart.
    document = json.loads(reports("semgrep"))
    document["results"] = document["results"][:1]
    shop.take("semgrep", document)
    assert "semgrep/1" not in shop.fingerprints()


def test_a_fingerprint_that_tells_apart_is_used_behind_our_own(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    document = json.loads(reports("semgrep"))
    for number, result in enumerate(document["results"]):
        result["extra"]["fingerprint"] = f"{number:064x}_0"
    shop.take("semgrep", document)
    assert shop.fingerprints()["semgrep/1"] == {f"{0:064x}_0", f"{1:064x}_0"}
    for result in document["results"]:
        result["extra"]["fingerprint"] = "a" * 64
    shop.take("semgrep", document)
    assert "semgrep/1" not in shop.fingerprints()


def test_pip_audit_is_placed_at_the_lines_that_pin(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.take("pip-audit", reports("pip-audit"))
    places = {(one.package, one.path, one.line) for one in shop.open().values()}
    assert places == {
        ("pypi:flask", "requirements.txt", 1),
        ("pypi:werkzeug", "requirements.txt", 2),
    }


def test_a_release_that_no_manifest_pins_is_a_finding_without_a_place(
    shop: Any, reports: Callable[[str], bytes]
) -> None:
    shop.commit({"README.md": "nothing is pinned here"})
    shop.take("pip-audit", reports("pip-audit"))
    assert {(one.package, one.path) for one in shop.open().values()} == {
        ("pypi:flask", ""),
        ("pypi:werkzeug", ""),
    }


@pytest.mark.parametrize("name", SCANNERS)
def test_a_kept_report_can_be_read_again(
    name: str, reports: Callable[[str], bytes], shop: Any
) -> None:
    from compline.pipeline.replay import replay

    taken = shop.take(SCANNERS[name][0], reports(name), complete=True)
    with shop.session() as session:
        (found,) = replay(session, taken.run)
    assert (found.verdict, found.differences, found.cannot) == ("same", (), ())
    assert found.compared == ("ledger", "witnesses", "the imported report")


def test_a_kept_report_that_was_changed_reads_otherwise(
    reports: Callable[[str], bytes], shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compline.evidence.locker import Locker
    from compline.pipeline.replay import replay

    taken = shop.take("bandit", reports("bandit"), complete=True)
    get = Locker.get

    def forged(locker: Locker, digest: str) -> bytes:
        return get(locker, digest).replace(b'"issue_severity":"HIGH"', b'"issue_severity":"LOW"')

    monkeypatch.setattr(Locker, "get", forged)
    with shop.session() as session:
        (found,) = replay(session, taken.run)
    assert found.verdict == "different"
    assert any("B602" in each for each in found.differences)
