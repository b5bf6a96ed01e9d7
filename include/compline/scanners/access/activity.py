"""Who was last seen when, by what a log tells of requests of every kind; a mergeable value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

MOST_USERS = 20_000
"""That are kept; whoever is beyond is counted."""
KEPT_DAYS = 400
"""After which it is forgotten that somebody was there."""


@dataclass
class Activity:
    """What is known of one log's users; days are in the target's time zone."""

    began: date | None = None
    """The first day of which the log was seen to name users."""
    ended: date | None = None
    """The last one."""
    last: dict[str, date] = field(default_factory=dict)
    """By user the day of the last request that was answered and not refused."""
    left: int = 0
    """Users that were not taken, since there were too many."""
    whole: bool = True
    """Whether the last look could read everything that was there."""

    def day(self, day: date) -> None:
        """Notes that the log names users on that day."""
        self.began = day if self.began is None else min(self.began, day)
        self.ended = day if self.ended is None else max(self.ended, day)

    def note(self, user: str, day: date) -> None:
        """Notes that a user was there."""
        if user in self.last:
            self.last[user] = max(day, self.last[user])
        elif len(self.last) < MOST_USERS:
            self.last[user] = day
        else:
            self.left += 1

    def merge(self, other: Activity) -> None:
        """Adds what another has noted."""
        self.left += other.left
        for day in (other.began, other.ended):
            if day is not None:
                self.day(day)
        for user, day in other.last.items():
            self.note(user, day)

    def forget(self, before: date) -> None:
        """Drops who was not there since; the log then tells of no earlier day either."""
        self.last = {user: day for user, day in self.last.items() if day >= before}
        if self.began is not None:
            self.began = max(self.began, before)
