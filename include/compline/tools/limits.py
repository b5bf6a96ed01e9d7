"""What a tool process may use, and the ways in which it can fail to give an answer."""

from __future__ import annotations

from dataclasses import dataclass


class ToolError(Exception):
    """A tool gave no answer that could be trusted; what it was looking at counts as not looked at.

    The message holds nothing that the tool printed: that may be somebody's secret.
    """


class NotStarted(ToolError):
    """It never ran: the program, its directory or what it should read is not there."""


class TimedOut(ToolError):
    """It ran longer than it may and was ended."""


class OutputTooLarge(ToolError):
    """It printed more than it may and was ended."""


class Aborted(ToolError):
    """It was ended by a signal: its own crash, a limit of memory or processes, or from outside."""


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """Bounds of one tool process with all its descendants."""

    seconds: float
    """Wall time."""
    memory_mb: int
    """Memory in use by all together, looked at every twentieth of a second."""
    output_mb: int
    """Standard output and standard error together."""
    file_mb: int = 1024
    """Size of any one file that it writes."""
    processes: int = 512
    """How many at once, threads not counted."""

    def __post_init__(self) -> None:
        if min(self.seconds, self.memory_mb, self.output_mb, self.file_mb, self.processes) <= 0:
            raise ValueError(f"every limit must be above zero: {self}")
