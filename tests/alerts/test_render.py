"""Alerts are short, put the worst first, and nothing of a scanned repository acts in them."""

from compline.alerts.render import body, harmless, subject
from compline.findings.regressions import Regression, RegressionKind
from compline.model import Severity


def regression(number: int, severity: Severity | None, title: str = "bad") -> Regression:
    return Regression(
        kind=RegressionKind.NEW,
        target="web",
        scanner="bandit",
        subject=f"CMP-{number:04}",
        severity=severity,
        title=title,
        detail="",
    )


def test_the_subject_counts_kinds() -> None:
    found = [regression(1, Severity.HIGH), regression(2, Severity.LOW)]
    assert subject("acme", "web", found) == "[Compline acme] web: 2 new"


def test_the_worst_come_first_and_the_rest_is_counted() -> None:
    many = [regression(n, Severity.MEDIUM) for n in range(30)]
    lines = body([*many, regression(99, Severity.CRITICAL)]).splitlines()
    assert lines[0].startswith("- new [critical] CMP-0099")
    assert len(lines) == 11
    assert lines[-1].startswith("... and 21 more")


def test_nothing_in_a_title_acts() -> None:
    text = harmless("@everyone <b>x</b> [a](http://evil)\n\x1b[31m\u202e`rm`")
    assert "@everyone" not in text
    assert "<" not in text
    assert "http://" not in text
    assert "`" not in text
    assert not any(ord(c) < 32 or c == "\u202e" for c in text)
    assert len(harmless("x" * 5000)) == 200
