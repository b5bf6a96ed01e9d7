"""Waivers written down in a reviewed file."""

from __future__ import annotations

from typing import Any

import pytest

from compline.findings.waivers import Selector, Source, Waiver, WaiverPolicy, WaiverState
from compline.model import Severity
from compline.store.engine import StoreError
from compline.store.lapse import lapse
from compline.store.waiver_sync import sync_waivers
from compline.store.waiver_views import list_waivers
from compline.store.waivers import withdraw_waiver

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()


class TestWritten:
    def entry(self, site: Any, key: str = "file:1", **values: Any) -> Waiver:
        selector = values.pop("selector", Selector(rules=("exec-used",)))
        source = values.pop("source", Source.FILE)
        return site.waiver(source=source, key=key, selector=selector, **values)

    def sync(self, site: Any, *entries: Waiver) -> tuple[int, int]:
        done = sync_waivers(site.store, entries, ANY, site.now, source=Source.FILE)
        return done.added, done.ended

    def test_the_store_follows_the_file(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        assert self.sync(site, self.entry(site)) == (1, 0)
        assert len(site.waived()) == 2
        assert self.sync(site, self.entry(site)) == (0, 0)
        other = self.entry(site, "file:2", selector=Selector(paths=("nowhere",)))
        assert self.sync(site, other) == (1, 1)
        assert site.waived() == set()
        [view] = list_waivers(site.store, states=[WaiverState.WITHDRAWN])
        assert (view.waiver.key, view.ended_by) == ("file:1", "file")
        # Written again, it is the same one.
        assert self.sync(site, other, self.entry(site)) == (1, 0)
        assert len(site.waived()) == 2
        assert len(list_waivers(site.store)) == 2

    def test_what_a_person_has_ended_stays_so(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        made = self.entry(site, "ignore:api:x", source=Source.INLINE)

        def sync() -> tuple[int, int]:
            done = sync_waivers(
                site.store, [made], ANY, site.now, source=Source.INLINE, within="ignore:api:"
            )
            return done.added, done.ended

        assert sync() == (1, 0)
        withdraw_waiver(site.store, made.id, "eve", site.now)
        assert sync() == (0, 0)
        assert site.waived() == set()

    def test_what_has_expired_does_not_come_back(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        self.sync(site, self.entry(site))
        site.night += 31
        lapse(site.store, None, site.now, stale_days=400)
        assert self.sync(site, self.entry(site, state=WaiverState.EXPIRED)) == (0, 0)
        assert site.waived() == set()

    def test_it_is_withdrawn_where_it_is_written(self, site: Any, kit: Any) -> None:
        made = self.entry(site)
        self.sync(site, made)
        with pytest.raises(StoreError, match=r"waivers\.yaml: remove it there"):
            withdraw_waiver(site.store, made.id, "eve", site.now)

    def test_an_entry_that_may_not_be_is_refused_with_its_place(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        finding = site.open()[0].id
        entry = self.entry(
            site,
            selector=Selector(),
            finding=finding,
            origin={"path": "waivers.yaml", "line": 7},
        )
        policy = WaiverPolicy(longest_days={Severity.HIGH: 3})
        done = sync_waivers(site.store, [entry], policy, site.now, source=Source.FILE)
        assert done.refused == ("waivers.yaml:7: a high finding may be waived for 3 days at most",)
        assert site.waived() == set()
