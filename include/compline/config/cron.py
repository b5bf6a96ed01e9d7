"""When a schedule is due: cron expressions as Airflow reads them, and names of time zones.

Standard library only: compline_airflow.dagspec asks this whenever DAG files are parsed.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

_PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun",
           "jul", "aug", "sep", "oct", "nov", "dec")  # fmt: skip
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_LAST_DAY = "l"
_WEEKS = ("1", "2", "3", "4", "5")


def check_cron(expression: str) -> str:
    """The same expression, where Airflow can schedule by it.

    Raises:
        ValueError: it cannot; says which field is wrong.
    """
    if expression in _PRESETS:
        return expression
    parts = expression.split()
    if len(parts) != len(_FIELDS) or expression.startswith("@"):
        raise ValueError(
            f"{expression!r} is not a cron expression: write minute, hour, day of the month, month "
            f"and day of the week (`0 2 * * *`), or one of {', '.join(_PRESETS)}"
        )
    for text, (what, least, most, names) in zip(parts, _FIELDS, strict=True):
        for item in text.lower().split(","):
            if not _is_valid(item, what, least, most, names):
                raise ValueError(
                    f"{text!r} is not a {what}: numbers from {least} to {most}, lists (1,2), "
                    "ranges (1-5) and steps (*/2) are"
                )
    return expression


def check_timezone(name: str) -> str:
    """The same name, where the time zone is known.

    Raises:
        ValueError: it is not.
    """
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(
            f"there is no time zone {name!r}: write one like Europe/Berlin, or UTC"
        ) from None
    return name


def _is_valid(item: str, what: str, least: int, most: int, names: dict[str, int]) -> bool:
    if what == "day of the month" and item == _LAST_DAY:
        return True
    if what == "day of the week" and "#" in item:
        item, _, week = item.partition("#")
        return week in _WEEKS and _number(item, least, most, names) is not None
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and 0 < int(step) <= most):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    low = _number(first, least, most, names)
    if not dash:
        # A step needs something to go through.
        return low is not None and not slash
    high = _number(last, least, most, names)
    return low is not None and high is not None and low <= high


def _number(text: str, least: int, most: int, names: dict[str, int]) -> int | None:
    if text in names:
        return names[text]
    if text.isascii() and text.isdigit() and least <= int(text) <= most:
        return int(text)
    return None
