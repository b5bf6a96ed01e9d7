"""Semgrep over the files of repositories, by content, with our rule packs and further rules.

Traps, with what is done about them: it obeys `.gitignore` and `.semgrepignore` of an enclosing
repository and a default list of its own (files are named one by one, which goes past these; for
the case that it does not, `--no-git-ignore` and `--x-ignore-semgrepignore-files`);
leaves out `.min.js` and `.d.ts` by their names (files are given neutral ones); leaves out large
files (`--max-target-bytes 0`; the limit is ours); comments hide findings (`--disable-nosem`);
reports home and asks for newer versions (`--metrics off`, `--disable-version-check`); leaves out
rules that it cannot read (an error then); matches a file in part though it does not parse, and
may not say so (Python is parsed once more).

`--experimental` is Semgrep's whole command in its native program: it gives the same findings
(measured over thousands of files), and starts in a quarter of a second where the Python front
end takes four to twenty. `-j 1`: its threads wait for one another; one process per core does
the same work in less than half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from compline.findings.syntax import NotPython, parse
from compline.model import GapReason, Look, Observation, ScanKey, TargetKind
from compline.scanners.blobs.analysis import (
    Answer,
    Distrusted,
    FileGap,
    Piece,
    Prepared,
    Refused,
    Report,
)
from compline.scanners.blobs.keys import canary_rules, canary_text, options_digest, tool_of
from compline.scanners.blobs.scan import BlobScan
from compline.scanners.interface import Job, ScanContext
from compline.scanners.python_sources import interpreter, notebook_pieces
from compline.scanners.renames import rule_renames
from compline.scanners.semgrep.languages import Languages
from compline.scanners.semgrep.paths import PathFilter
from compline.scanners.semgrep.prefilter import Prefilter, read_prefilter
from compline.scanners.semgrep.report import RuleLeftOut, observations, read_report
from compline.scanners.semgrep.rules import RuleSet, load_rules, rule_files, rules_digest
from compline.source.snapshot import Entry
from compline.tools.process import ProcessLimits, run
from compline.tools.toolbox import Tool

ADAPTER = "2"
"""Raised whenever the same report would be read otherwise."""

_CANARY = "zz-canary.py"
_RULES = "zz-rules.json"
_SECONDS_PER_RULE = 10
"""Of one rule on one file; twice the default, since other processes share the cores."""
_RULES_OUT_OF_TIME = 3
"""After which Semgrep gives the file up."""
_FATAL = 2
"""Semgrep's exit code for what it could not do, wrong rules among it."""
_SNIFFED = 8_000
"""Bytes that decide whether a file is text, as git does it."""


class Semgrep:
    """The scanner `semgrep`."""

    name = "semgrep"
    kinds = frozenset({TargetKind.REPOSITORY})

    def scan_key(self, context: ScanContext) -> ScanKey:
        """Tool, rules with the canary's, limits and ignore policy.

        Raises:
            CannotScan: the tool is missing or changed, there are no rules, or a table of
                renamed ones cannot be read.
        """
        tool = tool_of(context, "semgrep")
        rule_renames(context.config)  # without it, renamed rules would close what they found
        files = [*_files(context), ("canary", canary_rules("semgrep.yaml"))]
        options = options_digest(
            context.config, timeout=_SECONDS_PER_RULE, threshold=_RULES_OUT_OF_TIME
        )
        return ScanKey(tool.digest, ADAPTER, rules=rules_digest(files), options=options)

    def scan(self, jobs: Sequence[Job], context: ScanContext) -> Iterator[Look]:
        """One look per job.

        Raises:
            CannotScan: the tool is missing or changed, a rule is wrong, the canary is not found.
        """
        key = self.scan_key(context)
        limits = context.config.limits
        rules = load_rules(_files(context), canary_rules("semgrep.yaml"))
        tool = tool_of(context, "semgrep")
        named = {language for rule in rules.rules.values() for language in rule.languages}
        analyzer = SemgrepAnalyzer(
            tool,
            rules,
            Languages.of_rules(tool, named),
            limits.tool_memory_mb,
            limits.tool_output_mb,
        )
        yield from BlobScan(analyzer, key, context).looks(jobs)


def _files(context: ScanContext) -> list[tuple[str, Path]]:
    settings = context.config.scanners.semgrep
    return rule_files(settings.packs, settings.rules)


@dataclass(frozen=True)
class SemgrepAnalyzer:
    """Semgrep, for scanners/blobs."""

    tool: Tool
    rules: RuleSet
    languages: Languages
    memory_mb: int
    output_mb: int
    scanner = "semgrep"
    grain = 512 << 10
    nothing = "no file in a language of the rules: nothing to look at"

    @cached_property
    def equipment(self) -> dict[str, bytes]:
        """The canary and the rules."""
        return {_CANARY: canary_text("semgrep.txt"), _RULES: self.rules.compiled}

    def reading(self, entry: Entry) -> str:
        """The end of the name that decides over the language, if a rule is meant for the file."""
        name = PurePosixPath(entry.path).name
        suffix = self.languages.suffix(name)
        if name.endswith(".ipynb"):
            suffix, reading = ".py", "notebook"
        elif suffix:
            reading = self.languages.neutral(suffix)
        elif entry.executable and self.languages.of_programs:
            suffix, reading = "", "script"
        else:
            suffix, reading = "", "text" if self.languages.of_any_file else ""
        return reading if self._wanted(entry.path, suffix, reading) else ""

    def prepare(self, reading: str, content: bytes) -> Prepared:
        """The file itself, under the suffix of its language; a notebook's cells and text."""
        if reading == "notebook":
            return notebook_pieces(content, with_text=bool(self.languages.of_suffix(".json")))
        if reading not in ("script", "text"):
            return Prepared((Piece(reading, content),))
        suffix = self.languages.suffix_of_program(interpreter(content))
        if reading == "script" and suffix:
            return Prepared((Piece(suffix, content),))
        text = self.languages.of_any_file and b"\0" not in content[:_SNIFFED]
        return Prepared((Piece(".txt", content),) if text else ())

    def label(self, piece: Piece) -> str:
        """Which rules can match in it."""
        return self._prefilter.marks(piece.content)

    def run(self, directory: Path, names: Sequence[str], seconds: float) -> Report:
        """One Semgrep process."""
        finished = run(
            [
                *(self.tool.executable, "scan", "--experimental", "--json", "--quiet"),
                *("--metrics", "off", "--disable-version-check", "--disable-nosem"),
                *("--no-git-ignore", "--x-ignore-semgrepignore-files", "--max-target-bytes", "0"),
                *("--timeout", str(_SECONDS_PER_RULE)),
                *("--timeout-threshold", str(_RULES_OUT_OF_TIME)),
                *("-j", "1", "--no-rewrite-rule-ids", "--config", _RULES),
                *names,
                _CANARY,
            ],
            limits=ProcessLimits(seconds, self.memory_mb, self.output_mb),
            readable=[directory],
            cwd=directory,
            env={"SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"},
        )
        if finished.returncode not in (0, _FATAL):
            raise Distrusted(f"it ended with the exit code {finished.returncode}")
        try:
            answers = read_report(finished.stdout, _CANARY, _RULES)
        except RuleLeftOut as error:
            where = self.rules.files.get(error.rule, "the canary's rules")
            raise Refused(
                f"{where}: Semgrep does not take the rule {error.rule!r} ({error.kind}): mend it, "
                "or leave the file out of `scanners.semgrep.rules`"
            ) from error
        if finished.returncode == _FATAL:
            raise Distrusted("it ended with a fatal error")
        return Report(answers, finished.seconds, finished.sandbox)

    def observe(self, oid: str, piece: Piece, answer: Answer) -> tuple[Observation, ...]:
        """Semgrep's results."""
        return observations(oid, piece, answer, self.rules.rules)

    def doubts(self, piece: Piece, answer: Answer) -> tuple[FileGap, ...]:
        """Python that does not parse: Semgrep matches what it can make of it, and says nothing."""
        if piece.suffix not in (".py", ".pyi") or not answer.looked or answer.gaps:
            return ()
        try:
            parse(piece.content.decode("utf-8", "replace"))
        except NotPython:
            return (FileGap(GapReason.UNPARSED, "Python that does not parse, matched in part"),)
        return ()

    def concerns(self, observation: Observation, path: str) -> bool:
        """Whether the rule's `paths:` take the file."""
        return self.rules.rules[observation.rule].paths.takes(path)

    def _wanted(self, path: str, suffix: str, reading: str) -> bool:
        """Whether a rule is meant for a file of this language at this path."""
        if not reading:
            return False
        names = self.languages.of_programs if reading == "script" else frozenset()
        names |= self.languages.of_suffix(suffix) | self.languages.of_any_file
        return any(each.takes(path) for name in names for each in self._filters[name])

    @cached_property
    def _prefilter(self) -> Prefilter:
        return read_prefilter(self.tool, self.rules.compiled, self.memory_mb)

    @cached_property
    def _filters(self) -> dict[str, list[PathFilter]]:
        """What the rules of each language say of paths."""
        filters: dict[str, list[PathFilter]] = {}
        for rule in self.rules.rules.values():
            for key in rule.languages:
                filters.setdefault(self.languages.name(key), []).append(rule.paths)
        return filters
