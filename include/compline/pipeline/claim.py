"""A worker's hold on a shard: renewed as long as the work goes on, and proved before recording."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from compline.pipeline.session import Session
from compline.store.shards import heartbeat_shard

LEASE = 45.0
"""Seconds after which a shard whose worker gave no sign of life may be taken by another; less than
the DAG's `retry_delay`, or the retry of a killed task would find the dead one's lease."""

log = logging.getLogger(__name__)


class ShardTaken(Exception):
    """Another worker holds the shard; a retry will see whether it finishes."""


class Claim:
    """Keeps a claimed shard between `with` and the end of its block.

    A worker that was suspended, or could not reach the store, for longer than the lease may find
    another at its shard. What it has recorded stands; from then on it has to leave the rest.
    """

    def __init__(self, session: Session, run: int, number: int, owner: str) -> None:
        self._session = session
        self._run = run
        self._number = number
        self._owner = owner
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="shard-lease", daemon=True)

    def __enter__(self) -> Claim:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def confirm(self) -> None:
        """Renews the lease now; to be called before each thing that only its holder may do.

        Raises:
            ShardTaken: it is another worker's.
        """
        if not self._renew():
            raise ShardTaken(
                f"shard {self._number} of run {self._run} was taken over by another worker after "
                f"{LEASE:.0f} s without a sign of life from this one, which stops here"
            )

    def _renew(self) -> bool:
        session = self._session
        return heartbeat_shard(
            session.store, self._run, self._number, self._owner, session.now(), LEASE
        )

    def _beat(self) -> None:
        while not self._ended.wait(LEASE / 4):
            try:
                if not self._renew():
                    return
            except Exception:  # a store that is away for a moment must not end the renewing
                log.warning("the lease of the shard could not be renewed", exc_info=True)
