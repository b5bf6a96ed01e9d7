"""Retention in the store: what is old goes, and the chain of manifests says so beforehand."""

from __future__ import annotations

from datetime import timedelta

from compline.pipeline.manifest import add_link
from compline.pipeline.session import Session
from compline.store.prune import Cuts, Pruned, old_runs, prune


def prune_store(
    session: Session, *, older_than: timedelta | None = None, dry_run: bool = False
) -> tuple[Pruned, ...]:
    """Removes what `retention` in the configuration lets go.

    A manifest states its run's ledger. So before rows of it go, a link of the chain tells of which
    runs and how many: `compline evidence verify` then takes so many missing rows for no tampering.

    Args:
        session: where.
        older_than: instead of all the configured ages.
        dry_run: count only.

    Raises:
        EvidenceUnavailable: the locker cannot be reached.
    """
    settings, now = session.config.retention, session.now()

    def cut(days: int) -> timedelta:
        return timedelta(days=days) if older_than is None else older_than

    cuts = Cuts(
        now - cut(settings.ledger_days),
        now - cut(settings.events_days),
        now - cut(settings.alerts_days),
        now - cut(settings.cache_days),
        settings.keep_runs,
    )
    looks = old_runs(session.store, cuts)
    if looks and not dry_run:
        numbers = {str(run): len(going) for run, going in sorted(looks.items())}
        add_link(session, "prune", None, {"removed": [], "ledger": numbers})
    return tuple(prune(session.store, looks, cuts, now, dry_run=dry_run))
