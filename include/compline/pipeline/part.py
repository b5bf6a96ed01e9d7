"""Tells two findings apart that were merged, because a person says so."""

from __future__ import annotations

from compline.pipeline.manifest import write_decisions
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.store.partings import Parted, part_finding


def part(session: Session, finding: str, *, by: str) -> Parted:
    """Gives a merged finding its own witnesses back; both are never merged again.

    Raises:
        BadRequest: nobody says who.
        StoreError: it was not merged, or nothing of it is left.
    """
    if not by.strip():
        raise BadRequest("say who you are: --by")
    parted = part_finding(session.store, finding, by=by.strip(), now=session.now())
    write_decisions(session)
    return parted
