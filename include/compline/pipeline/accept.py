"""Believes a held look because a person says so."""

from __future__ import annotations

from compline.pipeline.manifest import write_decisions
from compline.pipeline.request import BadRequest
from compline.pipeline.session import Session
from compline.store.holds import Accepted
from compline.store.holds import accept_drop as accept


def accept_drop(session: Session, target: str, scanner: str, *, by: str, reason: str) -> Accepted:
    """Applies the newest held look of a scanner at a target at once.

    Raises:
        BadRequest: nobody says who or why.
        StoreError: nothing of the scanner is held at the target.
    """
    if not reason.strip() or not by.strip():
        raise BadRequest("say why and who you are: --reason, --by")
    accepted = accept(
        session.store, target, scanner, by=by.strip(), reason=reason.strip(), now=session.now()
    )
    write_decisions(session)
    return accepted
