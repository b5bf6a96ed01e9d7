"""How much memory something takes."""

from __future__ import annotations

import threading

import psutil


class Peak:
    """Peak of this process's memory while something runs, sampled each 20 ms."""

    def __init__(self) -> None:
        self.mib = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.02):
            self.mib = max(self.mib, process.memory_info().rss >> 20)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
