"""Runs inside picklescan's own environment: one line of JSON per file, said by its library.

Not imported by Compline: the file's text is given to that environment's interpreter. picklescan's
command line takes one path, counts files without naming them, and ends with 0 for what it could
not read; and what it prints holds names out of the archive. Its function `scan_file_path` gives
values, so that one process takes a batch with a canary in it, and says of each file what was seen.
"""

import json
import logging
import sys

from picklescan.relaxed_zipfile import RelaxedZipFile  # type: ignore[import-not-found]
from picklescan.scanner import scan_file_path  # type: ignore[import-not-found]

NESTED = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
MOST = 200


class Kept(logging.Handler):
    """Counts what picklescan grumbles about; its messages quote names that are not ours."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reset()

    def reset(self) -> None:
        """For the next file."""
        self.unparsed = 0
        self.unopened = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Counts, and keeps nothing."""
        text = str(record.msg)
        self.unparsed += "could not parse" in text or text.startswith("ERROR: parsing")
        self.unopened += text.startswith("Invalid file")


def unseen_archives(path: str) -> int:
    """Members of a zip that are archives themselves: picklescan passes over them in silence."""
    with open(path, "rb") as file:  # noqa: PTH123 - a script of few imports
        if file.read(4) != b"PK\x03\x04":
            return 0
        file.seek(0)
        count = 0
        with RelaxedZipFile(file, "r") as archive:
            for name in archive.namelist():
                try:
                    with archive.open(name, "r") as member:
                        count += member.read(8).startswith(NESTED)
                except Exception:  # noqa: S112 - locked or damaged: counted as unopened above
                    continue
        return count


def main() -> None:
    """One line for each file named as an argument, in their order."""
    kept = Kept()
    log = logging.getLogger("picklescan")
    log.addHandler(kept)
    log.propagate = False
    for path in sys.argv[1:]:
        kept.reset()
        said: dict[str, object] = {
            "path": path,
            "error": "",
            "globals": [],
            "scanned": 0,
            "nested": 0,
        }
        try:
            result = scan_file_path(path)
            found = [[each.module, each.name, each.safety.value] for each in result.globals]
            found.sort(key=lambda each: (each[2] != "dangerous", each))
            said.update(scanned=result.scanned_files, broken=result.scan_err)
            said.update(dangerous=result.issues_count, globals=found[:MOST])
            said["nested"] = unseen_archives(path)
        except MemoryError:
            raise
        except Exception as error:
            said["error"] = type(error).__name__
        said.update(unparsed=kept.unparsed, unopened=kept.unopened)
        sys.stdout.write(f"{json.dumps(said)}\n")


if __name__ == "__main__":
    main()
