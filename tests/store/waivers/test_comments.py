"""Comments in the scanned code that are honoured as waivers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from compline.findings.lifecycle import Policy
from compline.findings.waivers import Source, WaiverPolicy
from compline.model import RegressionKind, Severity
from compline.store.lapse import lapse
from compline.store.waiver_sync import resume_comments, sync_waivers
from compline.store.waiver_views import list_waivers

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()

TEXT = "def f(x):\n    exec(x)\n\n\ndef g(y):\n    exec(y)\n"
A = {"a.py": TEXT}
ANY = WaiverPolicy()


class TestComments:
    HONOURED = Policy(honour_inline=True, waivers=WaiverPolicy(longest_days={Severity.HIGH: 20}))

    def night(self, site: Any, look: Any, **more: Any) -> Any:
        site.next_night()
        return site.record(look, policy=self.HONOURED, **more)

    def test_honoured_they_are_waivers_that_tell_nobody(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A))
        assert site.waived() == set()
        quiet = {**A, "b.py": "exec(z)\n"}
        seen = (*kit.scan(A), *kit.scan({"b.py": quiet["b.py"]}, suppression="nosec"))
        self.night(site, site.look(seen, revision="c2"), changes={"c1": kit.change(A, quiet)})
        assert site.told(RegressionKind.NEW) == []
        assert site.waived() == {site.ids()["b.py", 1]}
        [view] = list_waivers(site.store)
        assert view.waiver.source is Source.INLINE
        assert view.waiver.reason == "nosec at b.py:1"
        assert view.waiver.expires_at == site.now + timedelta(days=20)

    def test_not_honoured_they_are_recorded_only(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A, suppression="nosec"))
        assert site.waived() == set()
        assert site.open()[0].witnesses[0].suppression == "nosec"
        assert list_waivers(site.store) == ()

    def test_the_setting_takes_effect_at_the_next_look(self, site: Any, kit: Any) -> None:
        site.night_of(kit.scan(A, suppression="nosec"))
        self.night(site, site.look(kit.scan(A, suppression="nosec")))
        assert len(site.waived()) == 2
        # Switched off they end, switched on they count again.
        sync_waivers(site.store, (), ANY, site.now, source=Source.INLINE)
        assert site.waived() == set()
        assert resume_comments(site.store, site.now) == 2
        assert len(site.waived()) == 2

    def test_a_comment_that_goes_voids_it_and_one_that_returns_does_not_ask_again(
        self, site: Any, kit: Any
    ) -> None:
        self.night(site, site.look(kit.scan(A, suppression="nosec")))
        self.night(site, site.look(kit.scan(A), revision="c2"))
        assert site.waived() == set()
        assert len(site.told(RegressionKind.WAIVER_VOIDED)) == 2
        self.night(site, site.look(kit.scan(A, suppression="nosec"), revision="c3"))
        assert len(site.waived()) == 2
        assert len(list_waivers(site.store)) == 2

    def test_it_ends_and_the_comment_does_not_renew_it(self, site: Any, kit: Any) -> None:
        quiet = kit.scan(A, suppression="nosec")
        self.night(site, site.look(quiet))
        site.night += 30
        lapse(site.store, site.run, site.now, stale_days=400)
        self.night(site, site.look(quiet, revision="c2"))
        assert site.waived() == set()
        assert len(site.told(RegressionKind.WAIVER_EXPIRED)) == 2

    def test_one_tools_comment_does_not_speak_for_the_other(self, site: Any, kit: Any) -> None:
        site.next_night()
        looks = (
            site.look(kit.scan(A, suppression="nosec")),
            site.look(kit.scan(A, "semgrep"), "semgrep"),
        )
        site.record(*looks, policy=self.HONOURED)
        assert len(site.open()) == 2
        assert site.waived() == set()
