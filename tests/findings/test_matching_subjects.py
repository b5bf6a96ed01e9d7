"""What is known by its subject: packages and advisories, secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from witnesses import witnesses

from compline.findings.matching import match
from compline.model import FindingKind, Observation, Place


class TestSubjects:
    def test_a_bump_within_the_range_is_the_same(self, kit: Any) -> None:
        matching = match(witnesses([kit.advisory(version="2.0")]), [kit.advisory(version="2.1")])
        assert len(matching.pairs) == 1

    def test_each_manifest_is_a_place(self, kit: Any) -> None:
        known = witnesses([kit.advisory("a.txt"), kit.advisory("b.txt")])
        matching = match(known, [kit.advisory("b.txt"), kit.advisory("c.txt")])
        assert [witness.id for witness, _ in matching.pairs] == [2]
        assert [witness.id for witness in matching.missing] == [1]
        assert [item.place.path for item in matching.fresh] == ["c.txt"]

    def test_an_alias_is_the_same_advisory_and_joins_transitively(self, kit: Any) -> None:
        known = witnesses([kit.advisory(rule="PYSEC-1", aliases=("CVE-1",))])
        bridge = kit.advisory("other.txt", rule="CVE-1", aliases=("GHSA-1",))
        matching = match(known, [kit.advisory(rule="GHSA-1"), bridge])
        assert [(w.id, o.rule) for w, o in matching.pairs] == [(1, "GHSA-1")]
        assert match(known, [kit.advisory(rule="GHSA-1")]).pairs == ()

    def test_two_versions_in_one_lock_file_are_two(self, kit: Any) -> None:
        known = witnesses([kit.advisory(version="1.0"), kit.advisory(version="2.0")])
        matching = match(known, [kit.advisory(version="2.0")])
        assert [witness.id for witness, _ in matching.pairs] == [2]

    def test_another_package_is_another(self, kit: Any) -> None:
        assert match(witnesses([kit.advisory()]), [kit.advisory(name="flask")]).pairs == ()

    def test_a_secret_is_known_by_its_hash(self, kit: Any) -> None:
        known = witnesses([secret(kit, "hmac:1:a")])
        assert match(known, [secret(kit, "hmac:1:a", line=9)]).pairs
        assert match(known, [secret(kit, "hmac:1:a", rule="generic")]).pairs
        assert not match(known, [secret(kit, "hmac:1:a", path="b.env")]).pairs

    def test_another_secret_on_the_same_line_is_another(self, kit: Any) -> None:
        line = (("masked/1", "KEY=***"),)
        known = witnesses([secret(kit, "hmac:1:a", fingerprints=line)])
        assert not match(known, [secret(kit, "hmac:1:b", fingerprints=line)]).pairs
        assert not match(witnesses([secret(kit, "hmac:1:a")]), [secret(kit, "hmac:1:b")]).pairs

    def test_under_a_new_key_its_line_or_its_old_hash_links_it(self, kit: Any) -> None:
        line = (("masked/1", "KEY=***"),)
        known = witnesses([secret(kit, "hmac:1:a", fingerprints=line)])
        assert match(known, [secret(kit, "hmac:2:x", fingerprints=line)]).pairs
        former = (("hmac:1", "hmac:1:a"), *line)
        assert match(known, [secret(kit, "hmac:2:x", fingerprints=former)]).pairs
        # The former key tells that it is another, though the line looks the same.
        other = (("hmac:1", "hmac:1:b"), *line)
        assert not match(known, [secret(kit, "hmac:2:x", fingerprints=other)]).pairs
        bare = witnesses([secret(kit, "hmac:1:a")])
        assert match(bare, [secret(kit, "hmac:2:x", fingerprints=former)]).pairs
        assert not match(bare, [secret(kit, "hmac:2:x", fingerprints=line)]).pairs


def secret(kit: Any, subject: str, path: str = "a.env", line: int = 1, **more: Any) -> Observation:
    values = {"fingerprints": ()} | more
    item = kit.code(path, "x", 1, kind=FindingKind.SECRET, subject=subject, **values)
    return replace(item, place=Place(path, line))
