"""From a target to what is known of its files from earlier nights."""

from __future__ import annotations

from compline.scanners.interface import Job, ScanContext
from compline.scanners.models.artifacts import Listing
from compline.scanners.models.contents.digests import Digests
from compline.scanners.models.sources import LIVE, is_served

_NEVER = 36_500
"""Days: contents that have names of their own need not be read again."""


def digests_of(job: Job, context: ScanContext, listing: Listing) -> Digests:
    """What is known of the target's files, and which of them are to be read now."""
    days = context.config.scanners.model_guard.reread_days
    if job.target.kind not in LIVE:
        days = _NEVER
    served = is_served(listing)
    return Digests(job.target.name, context.cache, context.now, days, job.fresh, served, job.about)
