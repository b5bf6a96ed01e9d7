"""What scanners remember of a target: written with the record of the look that made it.

Unlike the results cache it is never pruned, and losing it would lose something: who reads only what
has grown must not count it twice, nor forget it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from compline.model import Completed, Look
from compline.store.handle import Store
from compline.store.schema import memories, targets


def read_memory(store: Store, target: str, scanner: str) -> bytes | None:
    """What the scanner's last recorded look at the target has left; None if there is nothing."""
    query = (
        select(memories.c.value)
        .join(targets, targets.c.id == memories.c.target_id)
        .where(targets.c.name == target, memories.c.scanner == scanner)
    )
    with store.reading() as connection:
        value = connection.scalar(query)
    return None if value is None else zlib.decompress(value)


def write_memories(connection: Connection, target: int, looks: Iterable[Look]) -> None:
    """Keeps what completed looks leave, in the record's transaction."""
    for look in looks:
        if look.memory is None or not isinstance(look.outcome, Completed):
            continue
        own = (memories.c.target_id == target, memories.c.scanner == look.scanner)
        connection.execute(delete(memories).where(*own))
        connection.execute(
            insert(memories).values(
                target_id=target, scanner=look.scanner, value=zlib.compress(look.memory)
            )
        )
