"""OpenSSF model signatures, verified by the tool model-signing without network.

Its exit code is 0 for a signature that holds and 1 for everything else, a missing key among it;
so what it says on standard error decides, and a signed canary must hold, and fail under another
key, before anything counts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from compline.model import MISSED_CANARY
from compline.scanners.blobs.scratch import scratch_directory
from compline.scanners.interface import CannotScan
from compline.tools.process import ProcessLimits, ToolError, run
from compline.tools.toolbox import Tool

_CANARY = Path(__file__).with_name("canary_signature.json")
_FAILED = "Verification failed with error: "


class Verdict(StrEnum):
    """What a signature says of a version."""

    GOOD = "good"
    OTHER_KEY = "other-key"
    """Made with none of the configured keys."""
    CONTENT = "content"
    """Made with a configured key over other content."""
    UNREADABLE = "unreadable"
    """No signature of this kind at all."""


class CannotVerify(Exception):
    """The tool gave no answer; nothing is known of the signature."""


@dataclass(frozen=True)
class Signatures:
    """The tool with the keys and roots that count."""

    tool: Tool
    keys: Sequence[Path]
    certificates: Sequence[Path]
    ignore_unsigned_files: bool
    limits: ProcessLimits
    workspace: Path
    """The canary is laid out there."""
    proved: list[bool]
    """Not empty once the canary was seen; shared by all targets of one scan. Where every verdict
    is known already nothing is started, and so nothing is proved."""

    def verify(self, folder: Path, signature: str) -> Verdict:
        """The best verdict under any key or root.

        Args:
            folder: the whole version.
            signature: the signature's path in it.

        Raises:
            CannotVerify: the tool did not come to an answer.
            CannotScan: it misses its canary.
        """
        if not self.proved:
            self._prove()
            self.proved.append(True)
        found = set()
        for method, option, path in (
            *(("key", "--public_key", each) for each in self.keys),
            *(("certificate", "--certificate_chain", each) for each in self.certificates),
        ):
            found.add(self._ask(folder, signature, method, option, path))
            if Verdict.GOOD in found:
                break
        # A configured key over other content says more than another key's refusal.
        return next(
            each
            for each in (Verdict.GOOD, Verdict.CONTENT, Verdict.OTHER_KEY, Verdict.UNREADABLE)
            if each in found
        )

    def _prove(self) -> None:
        """The recorded signature holds under its key, and under no other.

        Raises:
            CannotScan: it does not, or the tool does not work.
        """
        given = json.loads(_CANARY.read_text("utf-8"))
        with scratch_directory(self.workspace.absolute() / "scratch") as directory:
            folder = directory / "model"
            folder.mkdir()
            (folder / "weights.txt").write_text(given["content"])
            (folder / "model.sig").write_text(given["signature"])
            said = []
            try:
                for name in ("key", "other_key"):
                    key = directory / f"{name}.pem"
                    key.write_text(given[name])
                    said.append(self._ask(folder, "model.sig", "key", "--public_key", key))
                (folder / "weights.txt").write_text(given["content"].upper())
                key = directory / "key.pem"
                said.append(self._ask(folder, "model.sig", "key", "--public_key", key))
            except CannotVerify as error:
                raise CannotScan(f"model-signing does not work: {error}") from error
        if said != [Verdict.GOOD, Verdict.OTHER_KEY, Verdict.CONTENT]:
            raise CannotScan(f"model-signing {MISSED_CANARY}; run `compline tools install`")

    def _ask(self, folder: Path, signature: str, method: str, option: str, path: Path) -> Verdict:
        if not path.is_file():
            raise CannotVerify(f"{path} is not here: see `keys` and `certificates` of the target")
        more = ["--ignore_unsigned_files"] if self.ignore_unsigned_files else []
        home = folder.resolve()
        command: list[str | Path] = [
            "verify",
            method,
            *more,
            "--signature",
            home / signature,
            option,
            path.resolve(),
        ]
        try:
            done = run(
                [self.tool.executable, *command, home],
                limits=self.limits,
                readable=[home, path.resolve()],
                cwd=home,
            )
        except ToolError as error:
            raise CannotVerify(str(error)) from None
        said = done.stderr.decode("utf-8", "replace")
        if done.returncode == 0 and b"Verification succeeded" in done.stdout + done.stderr:
            return Verdict.GOOD
        if done.returncode != 1 or _FAILED not in said:
            raise CannotVerify(f"model-signing ended with exit code {done.returncode}")
        why = said.partition(_FAILED)[2]
        if why.startswith("[Errno"):
            raise CannotVerify("model-signing could not read the version")
        if why.startswith("Key mismatch"):
            return Verdict.OTHER_KEY
        if why.startswith("Signature mismatch"):
            return Verdict.CONTENT
        return Verdict.OTHER_KEY if method == "certificate" else Verdict.UNREADABLE
