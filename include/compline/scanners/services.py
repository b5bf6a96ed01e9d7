"""What the checks of live services share: printing what a hostile service says, and own crashes."""

from __future__ import annotations

from pathlib import Path


def escaped(text: str) -> str:
    """The text with control characters written out, so that a name stays one visible name."""
    # Nearly every text is printable, and inventories have millions of them.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def one_line(text: str, longest: int = 300) -> str:
    """A message in one printable line of at most `longest` letters."""
    return escaped(" ".join(text.split()))[:longest]


def unforeseen(error: BaseException) -> str:
    """Says where a check broke without repeating the exception's text, which may hold a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"the check itself broke ({type(error).__name__} at {where}); please report it"
