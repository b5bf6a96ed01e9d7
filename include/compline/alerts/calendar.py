"""When: quiet hours and the times of digests, in the zones that people live in."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from compline.config.alerts import Digest, Quiet


def quiet_until(quiet: Quiet | None, now: datetime) -> datetime | None:
    """The end of the quiet hours that it is now; None where it is none."""
    if quiet is None:
        return None
    local = now.astimezone(ZoneInfo(quiet.timezone))
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    clock = local.time()
    over_midnight = start > end
    is_quiet = clock >= start or clock < end if over_midnight else start <= clock < end
    if not is_quiet:
        return None
    days = 1 if over_midnight and clock >= start else 0
    ends = datetime.combine(local.date() + timedelta(days=days), end, local.tzinfo)
    return ends.astimezone(UTC)


def next_digest(digest: Digest, after: datetime) -> datetime:
    """The first time of the digest behind a moment."""
    local = after.astimezone(ZoneInfo(digest.timezone))
    if digest.time is None:
        following: datetime = croniter(digest.cron, local).get_next(datetime)
        return following.astimezone(UTC)
    at = datetime.combine(local.date(), time.fromisoformat(digest.time), local.tzinfo)
    if at <= local:
        at = datetime.combine(
            local.date() + timedelta(days=1), time.fromisoformat(digest.time), local.tzinfo
        )
    return at.astimezone(UTC)
