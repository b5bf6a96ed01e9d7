"""What an answer tells of the inside of a service: stack traces, debuggers, its own paths."""

from __future__ import annotations

import re

_LEAKS = (
    (
        "a Python stack trace",
        re.compile(r'Traceback \(most recent call last\)|File "[^"]+\.py", line \d'),
    ),
    ("a Java stack trace", re.compile(r"\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)")),
    ("a Go stack trace", re.compile(r"goroutine \d+ \[|panic: runtime error")),
    (
        "a JavaScript stack trace",
        re.compile(r"\bat [\w$.<> ]+ \(?(?:/|file:|node:)[^\s)]+:\d+:\d+"),
    ),
    ("a .NET stack trace", re.compile(r"\bat [\w.`]+\([^)]*\) in [^\n]+:line \d+")),
    ("a debugger", re.compile(r"Werkzeug Debugger|You're seeing this error because you have")),
    ("a database's error", re.compile(r"psycopg2?\.errors|sqlalchemy\.exc|ORA-\d{5}|SQLSTATE\[")),
    (
        "a path of the server",
        re.compile(r"(?<![\w./:-])(?:/usr/(?:local/)?lib|/home|/opt|/app|/root)/[\w./-]+\.\w+"),
    ),
)


def leak(text: str) -> str:
    """What the text shows, in words; empty for nothing."""
    return next((what for what, pattern in _LEAKS if pattern.search(text)), "")
