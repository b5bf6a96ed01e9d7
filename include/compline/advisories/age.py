"""Whether advisories are too old to rely on: a warning, never a gap."""

from __future__ import annotations

from datetime import date, datetime

from compline.findings.regressions import STALE_ADVISORIES


def stale_warning(what: str, advisory_date: str, now: datetime, max_age_days: int) -> str:
    """The warning for the ledger row; empty while the data is fresh enough.

    Args:
        what: whose advisories, for the text ("OSV advisories").
        advisory_date: ISO date of the data; empty where it is not known.
        now: the time of the run.
        max_age_days: from this age on, exclusive, it is stale.
    """
    try:
        days = (now.date() - date.fromisoformat(advisory_date[:10])).days
    except ValueError:
        return (
            f"{STALE_ADVISORIES}: the date of the {what} is not known: "
            "declare it as `advisories.osv_date`"
        )
    if days <= max_age_days:
        return ""
    return (
        f"{STALE_ADVISORIES}: {what} are {days} days old ({advisory_date[:10]}), "
        f"the limit is {max_age_days}: what became known since is not found"
    )
