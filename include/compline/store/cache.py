"""Results of scanners by content: what was scanned once with the same key is not scanned again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from compline.model import ScanKey
from compline.store.rows import in_chunks, index_key
from compline.store.schema import cache_keys, cache_results


class ResultCache:
    """Bytes under (scanner, ScanKey, content). Losing it costs time, never a finding."""

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[Connection]],
        writing: Callable[[], AbstractContextManager[Connection]],
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._today = today

    def get_many(
        self, scanner: str, scan_key: ScanKey, contents: Iterable[str]
    ) -> dict[str, bytes]:
        """The values that are known; what is missing is left out.

        Using a value keeps it from being pruned: the day of use is noted, once a day.
        """
        wanted = {index_key(content): content for content in contents}
        found: dict[str, bytes] = {}
        old: list[str] = []
        today = self._today()
        query = select(cache_results.c.content, cache_results.c.value, cache_results.c.used)
        with self._reading() as connection:
            key = _known_key(connection, scanner, scan_key)
            if key is None:
                return {}
            for chunk in in_chunks(list(wanted)):
                rows = connection.execute(
                    query.where(cache_results.c.key_id == key, cache_results.c.content.in_(chunk))
                )
                for stored, value, used in rows:
                    found[wanted[stored]] = zlib.decompress(value)
                    if used < today:
                        old.append(stored)
        if old:
            with self._writing() as connection:
                connection.execute(
                    update(cache_results)
                    .where(
                        cache_results.c.key_id == key,
                        cache_results.c.content == bindparam("wanted"),
                    )
                    .values(used=today),
                    [{"wanted": content} for content in sorted(old)],
                )
        return found

    def put_many(self, scanner: str, scan_key: ScanKey, results: Mapping[str, bytes]) -> None:
        """Keeps the values, compressed; one that is there already is replaced."""
        if not results:
            return
        today = self._today()
        with self._writing() as connection:
            key = _known_key(connection, scanner, scan_key)
            if key is None:
                key = _new_key(connection, scanner, scan_key)
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            statement = dialect.insert(cache_results)
            statement = statement.on_conflict_do_update(
                index_elements=["key_id", "content"],
                set_={"value": statement.excluded.value, "used": statement.excluded.used},
            )
            connection.execute(
                statement,
                [
                    {
                        "key_id": key,
                        "content": content,
                        "value": zlib.compress(value),
                        "used": today,
                    }
                    # In order, so that two writers of the same contents cannot block each other.
                    for content, value in sorted(
                        (index_key(content), value) for content, value in results.items()
                    )
                ],
            )

    def drop(self, scanner: str, scan_key: ScanKey) -> int:
        """Forgets everything under a key, the canary's proof with it; gives how many values."""
        with self._writing() as connection:
            key = _known_key(connection, scanner, scan_key)
            if key is None:
                return 0
            gone = connection.execute(delete(cache_results).where(cache_results.c.key_id == key))
            return gone.rowcount

    def prune(self, unused_since: date) -> int:
        """Drops what was not used since that day; gives how many."""
        with self._writing() as connection:
            gone = connection.execute(
                delete(cache_results).where(cache_results.c.used < unused_since)
            )
            connection.execute(
                delete(cache_keys).where(cache_keys.c.id.not_in(select(cache_results.c.key_id)))
            )
            return gone.rowcount


def _known_key(connection: Connection, scanner: str, scan_key: ScanKey) -> int | None:
    return connection.scalar(
        select(cache_keys.c.id).where(
            cache_keys.c.scanner == scanner, cache_keys.c.digest == scan_key.digest
        )
    )


def _new_key(connection: Connection, scanner: str, scan_key: ScanKey) -> int:
    values = {"scanner": scanner, "digest": scan_key.digest}
    if connection.dialect.name == "sqlite":
        connection.execute(insert(cache_keys), values)  # the writing transaction is alone
    else:
        connection.execute(postgresql.insert(cache_keys).on_conflict_do_nothing(), values)
    key = _known_key(connection, scanner, scan_key)
    if key is None:
        raise RuntimeError(f"the cache's key for {scanner} vanished while it was written")
    return key
