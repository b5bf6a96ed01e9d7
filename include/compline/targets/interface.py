"""What every source of targets is."""

from __future__ import annotations

from typing import Protocol

from compline.config.schema import Config
from compline.model import Target


class CannotDiscover(Exception):
    """The source could not be asked; the message says what to do. Nobody may read it as "none"."""


class Discovery(Protocol):
    """One source of targets: the configuration's list, a code-hosting organisation, ..."""

    def discover(self, config: Config) -> tuple[Target, ...]:
        """Every target that the source knows, each name once.

        Raises:
            CannotDiscover: the source did not answer, or not to the end.
        """
        ...
