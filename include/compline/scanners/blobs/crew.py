"""Batches on their way through the tool: begun as soon as they are full, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from types import TracebackType

from compline.scanners.blobs.batches import Examiner, Item, Packer, Verdict


class Crew:
    """As many processes at once as there may be; a context manager, which waits for them."""

    def __init__(
        self, examiner: Examiner, processes: int, size: int, before: Callable[[], None]
    ) -> None:
        """Takes who examines, the bytes of a batch, and what comes before the first one."""
        self._examiner = examiner
        self._packer = Packer(size)
        self._before = before
        self._pool = ThreadPoolExecutor(processes, f"compline-{examiner.analyzer.scanner}")
        self._futures: list[Future[list[Verdict]]] = []
        self.given = 0
        """Files so far."""

    def give(self, item: Item) -> None:
        """Adds a file; a batch that it fills is begun."""
        self.given += 1
        self._begin(self._packer.add(item))

    def verdicts(self) -> Iterator[list[Verdict]]:
        """Begins the last batch, and gives what became of each as it is done."""
        self._begin(self._packer.rest())
        for future in as_completed(self._futures):
            yield future.result()

    def _begin(self, batch: tuple[Item, ...]) -> None:
        if batch:
            if not self._futures:
                self._before()
            self._futures.append(self._pool.submit(self._examiner.examine, batch))

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
