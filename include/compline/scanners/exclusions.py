"""What the configuration leaves out on purpose (vendored, generated), and the gaps that say so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from compline.config.schema import Ignore
from compline.model import Gap, GapReason


class Exclusions:
    """The patterns of `ignore:`, compiled.

    In a pattern `**/` is any directories or none, `**` anything, `*` and `?` anything but `/`.
    """

    def __init__(self, ignore: Ignore) -> None:
        self._reasons = (
            (GapReason.VENDORED, _alternatives(ignore.vendored)),
            (GapReason.GENERATED, _alternatives(ignore.generated)),
        )
        self._folders = _alternatives(
            [
                each.removesuffix("**")
                for each in (*ignore.vendored, *ignore.generated)
                if each.endswith("/**")
            ]
        )

    def reason(self, path: str) -> GapReason | None:
        """Why the file is left out; None if it is not."""
        for reason, pattern in self._reasons:
            if pattern is not None and pattern.fullmatch(path):
                return reason
        return None

    def part(self, paths: Iterable[str]) -> tuple[list[str], tuple[Gap, ...]]:
        """Parts paths into those that stay and gaps for the others.

        What lies under an excluded directory is one gap for the directory.
        """
        stay: list[str] = []
        left_out: Counter[tuple[GapReason, str]] = Counter()
        for path in paths:
            reason = self.reason(path)
            if reason is None:
                stay.append(path)
            else:
                left_out[reason, self._folder(path) or path] += 1
        gaps = (
            Gap(reason, path, "left out by `ignore` in the configuration", count)
            for (reason, path), count in sorted(left_out.items())
        )
        return stay, tuple(gaps)

    def _folder(self, path: str) -> str:
        match = self._folders.match(path) if self._folders is not None else None
        return match[0] if match else ""


def _alternatives(globs: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{_regex(each)})" for each in globs)) if globs else None


def _regex(glob: str) -> str:
    """Directories are matched as short as can be, so that the outermost one is found."""
    known = {"**/": "(?:.*?/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return "".join(known.get(part, re.escape(part)) for part in parts)
