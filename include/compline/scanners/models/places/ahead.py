"""Files of a place one after another, while the next small ones are on their way already.

A file of an object store or a registry is a call, and thousands of small ones are mostly waiting.
Large ones are streamed one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from itertools import islice

from compline.model import GapReason
from compline.scanners.models.artifacts import Artifact, CannotList, Readable, Unreadable

AT_ONCE = 8
"""Calls that are on their way at once; a place is asked politely."""
_SMALL = 1 << 18
"""Bytes up to which a file is held whole, so that several can be on their way."""
_AHEAD = 32
"""Files that are asked for before they are wanted."""

Opener = Callable[[Artifact], AbstractContextManager[Readable]]
"""A file as a stream. Raises `Unreadable`, or `CannotList`; is called from several threads."""


def read_ahead(
    wanted: Sequence[Artifact], opened: Opener
) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
    """Each file once, as `Source.read` says; small ones come first.

    Raises:
        CannotList: the place does not answer any more.
    """
    small = iter([each for each in wanted if each.size <= _SMALL])
    alone = [each for each in wanted if each.size > _SMALL]
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="files")
    try:
        waiting = deque((each, pool.submit(_whole, each, opened)) for each in islice(small, _AHEAD))
        while waiting:
            artifact, coming = waiting.popleft()
            waiting += ((each, pool.submit(_whole, each, opened)) for each in islice(small, 1))
            found = coming.result()
            if found is None:
                alone.append(artifact)
            else:
                yield artifact, found
    finally:
        pool.shutdown(cancel_futures=True)
    yield from one_by_one(alone, opened)


def one_by_one(
    wanted: Sequence[Artifact], opened: Opener
) -> Iterator[tuple[Artifact, Readable | Unreadable]]:
    """As `read_ahead`, for places that have no way to wait for; from this thread alone."""
    for artifact in wanted:
        try:
            with opened(artifact) as stream:
                yield artifact, stream
        except Unreadable as problem:
            yield artifact, problem


@contextmanager
def closed(stream: Readable) -> Iterator[Readable]:
    """The stream, closed afterwards if it is of a kind that has to be."""
    try:
        yield stream
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()


def _whole(artifact: Artifact, opened: Opener) -> Readable | Unreadable | None:
    """Its content; None where it has to be read by itself: it is not what its size says, or broke
    off, perhaps because a slow neighbour was given up."""
    content = b""
    try:
        with opened(artifact) as stream:
            while part := stream.read(_SMALL):
                content += part
                if len(content) > _SMALL:
                    return None
    except Unreadable as problem:
        return None if problem.reason is GapReason.TRUNCATED else problem
    except CannotList:
        raise
    except Exception:  # each protocol has exceptions of its own; by itself it is told
        return None
    return BytesIO(content)
