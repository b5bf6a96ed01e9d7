"""Better fingerprints, renamed rules, rotated keys and new digests, through the real record."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from compline.findings.policy import Policy
from compline.findings.renames import RuleRenames
from compline.model import FindingKind, Observation, Place
from compline.store.findings import finding_events

A = {"a.py": "def f(x):\n    exec(x)\n    v = 1\n    exec(x)\n\n\ndef g(x):\n    exec(x)\n"}
MOVED = {"a.py": "import os\n\n" + A["a.py"].replace("exec(x)\n\n", "exec(\n        x\n    )\n\n")}


def better(found: tuple[Observation, ...], *, alone: bool = False) -> list[Observation]:
    """As a newer Compline would say it: a version of its own before the others."""
    return [
        replace(
            item,
            fingerprints=(
                ("py-ast/2", hashlib.sha256(item.fingerprints[0][1].encode()).hexdigest()[:32]),
                *(() if alone else item.fingerprints),
            ),
        )
        for item in found
    ]


@pytest.mark.parametrize(
    ("alone", "new", "lines"),
    [
        (False, MOVED, {2: 4, 4: 6, 8: 12}),
        # Without the older version what git kept is linked: here all of it.
        (True, {"a.py": "import os\n\n" + A["a.py"]}, {2: 4, 4: 6, 8: 10}),
    ],
)
def test_a_better_version_links_to_the_old_one(
    site: Any, kit: Any, alone: bool, new: dict[str, str], lines: dict[int, int]
) -> None:
    """At the next completed look, whatever else has changed; it opens and closes nothing."""
    site.night_of(kit.scan(A))
    before = site.ids()
    found, key = better(kit.scan(new), alone=alone), kit.other_key(adapter="2")
    recorded = site.night_of(found, "c2", changes={"c1": kit.change(A, new)}, scan_key=key)
    assert (recorded.opened, recorded.resolved, recorded.regressions) == ((), (), ())
    assert site.ids() == {("a.py", lines[line]): name for (_, line), name in before.items()}
    assert all(w.fingerprint.startswith("py-ast/2:") for f in site.open() for w in f.witnesses)
    for name in before.values():
        assert [event.kind for event in finding_events(site.store, name)] == ["opened"]
    again = site.night_of(found, "c2", scan_key=key)
    assert (again.opened, again.resolved) == ((), ())


def test_what_was_gone_comes_back_under_a_better_version(site: Any, kit: Any) -> None:
    site.night_of(kit.scan(A))
    before = set(site.ids().values())
    other = kit.other_key(adapter="2")
    site.night_of((), "c2", scan_key=other)
    assert site.open() == ()
    recorded = site.night_of(better(kit.scan(A)), "c3", scan_key=other)
    assert (recorded.opened, set(recorded.reopened)) == ((), before)


class TestRenamedRules:
    policy = Policy(renames=RuleRenames({"bandit": {"exec-used": "exec-call"}}))

    def test_the_findings_go_on_under_the_new_name(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        before = site.ids()
        site.next_night()
        look = site.look(kit.scan(A, rule="exec-call"), scan_key=kit.other_key(rules="r2"))
        recorded = site.record(look, policy=self.policy)
        assert (recorded.opened, recorded.resolved, recorded.regressions) == ((), (), ())
        assert site.ids() == before
        assert {finding.rule for finding in site.open()} == {"exec-call"}

    def test_without_the_table_they_are_others(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        recorded = site.night_of(kit.scan(A, rule="exec-call"))
        assert len(recorded.opened) == len(recorded.resolved) == 3

    def test_a_rule_that_still_speaks_was_not_renamed(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        before = site.ids()
        site.next_night()
        both = [*kit.scan(A)[:1], *kit.scan(A, rule="exec-call")[1:]]
        recorded = site.record(site.look(both), policy=self.policy)
        assert len(recorded.opened) == len(recorded.resolved) == 2
        assert site.ids()["a.py", 2] == before["a.py", 2]

    def test_a_chain_of_names_and_a_file_without_spans_that_comes_back(
        self, site: Any, kit: Any
    ) -> None:
        def about(rule: str) -> Observation:
            [item] = kit.scan({"a.py": "exec(x)\n"})
            kind = FindingKind.MISCONFIGURATION
            return replace(item, rule=rule, kind=kind, place=Place("Dockerfile"), fingerprints=())

        site.night_of([about("no-user")])
        [finding] = site.open()
        site.night_of([])
        names = {"no-user": "root-user", "root-user": "runs-as-root"}
        site.next_night()
        recorded = site.record(
            site.look([about("runs-as-root")], revision="c2"),
            policy=Policy(renames=RuleRenames({"bandit": names})),
        )
        assert (recorded.opened, recorded.reopened) == ((), (finding.id,))

    def test_a_circle_is_refused(self) -> None:
        with pytest.raises(ValueError, match="in a circle"):
            RuleRenames({"bandit": {"a": "b", "b": "a"}})


def secret(kit: Any, key: str, value: str, *former: str, line: int = 1) -> Observation:
    [item] = kit.scan({"a.py": "exec(x)\n"}, "trivy")
    return replace(
        item,
        kind=FindingKind.SECRET,
        rule="aws-key",
        place=Place("settings.env", line),
        subject=f"hmac:{key}:{value}{key}",
        fingerprints=(
            *((f"hmac:{old}", f"hmac:{old}:{value}{old}") for old in former),
            ("masked/1", "KEY=***"),
        ),
    )


class TestRotatedKeys:
    def test_the_hash_under_the_former_key_links_each_secret(self, site: Any, kit: Any) -> None:
        old = [secret(kit, "k1", "a", line=1), secret(kit, "k1", "b", line=2)]
        site.night_of(old, scanner="trivy")
        before = site.ids()
        # Both have moved, and their lines look alike: only the hashes tell them apart.
        new = [secret(kit, "k2", "b", "k1", line=1), secret(kit, "k2", "a", "k1", line=2)]
        recorded = site.night_of(new, scanner="trivy", scan_key=kit.other_key(options="k2"))
        assert (recorded.opened, recorded.resolved) == ((), ())
        assert site.ids() == {
            ("settings.env", 1): before["settings.env", 2],
            ("settings.env", 2): before["settings.env", 1],
        }

    def test_another_secret_on_the_same_line_is_another(self, site: Any, kit: Any) -> None:
        site.night_of([secret(kit, "k1", "a")], scanner="trivy")
        recorded = site.night_of([secret(kit, "k2", "b", "k1")], scanner="trivy")
        assert len(recorded.opened) == len(recorded.resolved) == 1

    def test_one_that_was_gone_comes_back(self, site: Any, kit: Any) -> None:
        site.night_of([secret(kit, "k1", "a")], scanner="trivy")
        [finding] = site.open()
        site.night_of([], "c2", scanner="trivy")
        recorded = site.night_of([secret(kit, "k2", "a", "k1", line=7)], "c3", scanner="trivy")
        assert (recorded.opened, recorded.reopened) == ((), (finding.id,))


class TestImages:
    """Per image name: the digest is only where it was looked at."""

    def test_a_setting_is_known_by_rule_and_file(self, site: Any, kit: Any) -> None:
        def setting(code: str, line: int) -> Observation:
            [item] = kit.scan({"Dockerfile": "exec(x)\n"}, "trivy-image")
            return replace(
                item,
                kind=FindingKind.MISCONFIGURATION,
                rule="DS-0002",
                place=Place("image-config", line),
                fingerprints=(("tokens/1", code),),
            )

        site.night_of([setting("one", 3)], "sha256:1", "trivy-image")
        before = set(site.ids().values())
        recorded = site.night_of([setting("two", 9)], "sha256:2", "trivy-image")
        assert (recorded.opened, recorded.resolved) == ((), ())
        assert set(site.ids().values()) == before

    def test_a_bump_that_moves_the_package_is_the_same_finding(self, site: Any, kit: Any) -> None:
        def installed(version: str) -> Observation:
            path = f"usr/lib/python3/dist-packages/jinja2-{version}.dist-info/METADATA"
            return kit.advisory(path, scanner="trivy-image", title=f"jinja2 {version}")

        site.night_of([installed("2.0")], "sha256:1", "trivy-image")
        [finding] = site.open()
        recorded = site.night_of([installed("2.1")], "sha256:2", "trivy-image")
        assert (recorded.opened, recorded.resolved, recorded.regressions) == ((), (), ())
        assert [one.id for one in site.open()] == [finding.id]


class TestAliases:
    def test_what_was_joined_once_stays_joined(self, site: Any, kit: Any) -> None:
        """A source may forget a name; another one, nights later, says only that one."""
        site.night_of([kit.advisory(aliases=("CVE-1", "PYSEC-1"))], scanner="pip-audit")
        [finding] = site.open()
        site.night_of([kit.advisory(aliases=("CVE-1",))], scanner="pip-audit")
        recorded = site.night_of([kit.advisory(rule="PYSEC-1", scanner="osv")], scanner="osv")
        assert recorded.opened == ()
        assert [one.id for one in site.open()] == [finding.id]

    def test_over_a_witness_that_is_gone(self, site: Any, kit: Any) -> None:
        bridge = kit.advisory("b.txt", "PYSEC-1", aliases=("CVE-1",), scanner="osv")
        site.night_of([kit.advisory(rule="CVE-1")], scanner="pip-audit")
        site.night_of([bridge], scanner="osv")
        site.night_of([], "c2", scanner="osv")
        [finding] = site.open()
        new = kit.advisory(rule="PYSEC-1", scanner="trivy")
        assert site.night_of([new], scanner="trivy").opened == ()
        assert [one.id for one in site.open()] == [finding.id]

    def test_the_open_one_goes_on_not_one_that_was_resolved_long_ago(
        self, site: Any, kit: Any
    ) -> None:
        site.night_of([kit.advisory("old.txt", "PYSEC-1", scanner="osv")], scanner="osv")
        [resolved] = site.open()
        site.night_of([], "c2", scanner="osv")
        site.night_of([kit.advisory(rule="CVE-1")], scanner="pip-audit")
        [finding] = site.open()
        assert finding.id != resolved.id
        # The tool names it otherwise now, and has found out that both are one.
        renamed = kit.advisory("new.txt", "GHSA-9", aliases=("CVE-1", "PYSEC-1"))
        recorded = site.night_of([renamed], "c2", scanner="pip-audit")
        assert (recorded.opened, recorded.resolved, recorded.reopened) == ((), (), ())
        assert [one.id for one in site.open()] == [finding.id]
