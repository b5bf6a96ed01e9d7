"""Deadlines and risk: plain functions of severity, labels and what is known of exploits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from compline.findings.deadlines import DeadlinePolicy, due_at
from compline.findings.risk import RiskPolicy, risk, without_exploits
from compline.model import Severity

AT = datetime(2025, 3, 4, 5, tzinfo=UTC)
POLICY = RiskPolicy(
    frozenset({"CVE-1"}), {"CVE-2": 0.9, "CVE-3": 0.1}, "exposure", {"internet": 3, "odd": 99}
)


class TestDeadlines:
    policy = DeadlinePolicy(
        {Severity.CRITICAL: 7, Severity.HIGH: 30},
        (
            ({"tier": "1", "environment": "production"}, {Severity.HIGH: 3}),
            ({"tier": "1"}, {Severity.HIGH: 14, Severity.LOW: 90}),
        ),
    )

    @pytest.mark.parametrize(
        ("labels", "high", "low"),
        [
            ({}, 30, None),
            ({"tier": "2"}, 30, None),
            ({"tier": "1"}, 14, 90),
            ({"tier": "1", "environment": "production"}, 3, None),
        ],
    )
    def test_the_first_rule_that_fits_counts(
        self, labels: dict[str, str], high: int, low: int | None
    ) -> None:
        days = self.policy.days_for(labels)
        assert (days.get(Severity.HIGH), days.get(Severity.LOW)) == (high, low)
        assert days[Severity.CRITICAL] == 7

    def test_it_runs_from_the_opening(self) -> None:
        days = self.policy.days_for({})
        assert due_at(AT, Severity.HIGH, days) == AT + timedelta(days=30)
        assert due_at(AT, Severity.MEDIUM, days) is None


class TestRisk:
    def test_the_order(self) -> None:
        """Severity, known exploitation, likelihood, exposure: each outweighs all that follow."""
        numbers = [
            risk(Severity.CRITICAL, (), 0, POLICY),
            risk(Severity.HIGH, ("CVE-1", "CVE-2"), 9, POLICY),
            risk(Severity.HIGH, ("CVE-1",), 0, POLICY),
            risk(Severity.HIGH, ("CVE-2", "CVE-3"), 9, POLICY),
            risk(Severity.HIGH, ("CVE-2",), 0, POLICY),
            risk(Severity.HIGH, ("CVE-3",), 9, POLICY),
            risk(Severity.HIGH, ("CVE-4",), 9, POLICY),
            risk(Severity.HIGH, (), 0, POLICY),
            risk(Severity.MEDIUM, ("CVE-1", "CVE-2"), 9, POLICY),
        ]
        assert all(left > right for left, right in pairwise(numbers))

    def test_the_largest_likelihood_stays_below_known_exploitation(self) -> None:
        certain = RiskPolicy(frozenset({"CVE-1"}), {"CVE-2": 7.0})
        likely = risk(Severity.LOW, ("CVE-2",), 9, certain)
        assert likely < risk(Severity.LOW, ("CVE-1",), 0, certain)

    def test_without_exploits_it_is_rank_and_exposure(self) -> None:
        for severity in Severity:
            number = risk(severity, ("CVE-1",), 3, RiskPolicy())
            assert number == without_exploits(severity.rank, 3)

    def test_exposure_is_a_digit(self) -> None:
        assert POLICY.exposed({"exposure": "internet"}) == 3
        assert POLICY.exposed({"exposure": "odd"}) == 9
        assert POLICY.exposed({"exposure": "none"}) == POLICY.exposed({}) == 0

    def test_it_fits_a_column(self) -> None:
        grave = risk(Severity.CRITICAL, ("CVE-1", "CVE-2"), 9, POLICY)
        assert grave < 2**31
