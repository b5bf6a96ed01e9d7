"""A repository under random edits."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from truth import Known, check
from written import LANGUAGES, Block, Defect, Definition, Line, Writer, walk

from compline.findings.change import TreeChange
from compline.findings.fingerprints import CodeReader
from compline.findings.policy import Policy
from compline.findings.renames import RuleRenames
from compline.model import Confidence, FindingKind, Observation, Place, Severity

EDITS = (
    *("lines", "lines away", "reformat", "reformat all", "wrap", "rename file"),
    *(
        "rename definition",
        "rename definitions",
        "reorder",
        "equal line",
        "remove",
        "copy file",
        "copy definition",
    ),
    *("new definition", "reword", "upgrade", "rename rule", "better fingerprints"),
)


class World:
    """A repository, its editor, and the truth about its defects."""

    def __init__(self, kit: Any, language: str, dice: random.Random) -> None:
        self.kit, self.dice = kit, dice
        self.write = Writer(LANGUAGES[language], dice)
        self.scanner = "bandit" if language == "python" else "semgrep"
        self.memory = kit.memory()
        self.key = kit.key
        self.title, self.severity = "as it is", Severity.HIGH
        self.rules: dict[str, str] = {}
        self.versions = 0
        self.files = [self.write.file() for _ in range(dice.randint(1, 2))]
        self.known: dict[Any, Known] = {}
        self.resolved: dict[str, Any] = {}
        self.texts: dict[Any, str] = {}

    def pick(self, kind: type, file: Any = None) -> Any:
        """(node, what it is inside of) of any node of a kind; None where there is none."""
        file = file or self.dice.choice(self.files)
        found = [pair for pair in walk(file) if isinstance(pair[0], kind)]
        return self.dice.choice(found) if found else None

    def edit(self, what: str) -> None:
        """Changes the repository in one way."""
        getattr(self, f"_{what.replace(' ', '_')}")()

    def _lines(self) -> None:
        file = self.dice.choice(self.files)
        file.body[0:0] = [self.write.anchor() for _ in range(self.dice.choice((0, 1, 3, 40)))]
        for _ in range(2):
            if found := self.pick(Defect, file):
                body = found[1][-1].body
                body.insert(self.dice.randint(0, len(body)), self.write.line())

    def _lines_away(self) -> None:
        for _ in range(2):
            if (found := self.pick(Line)) and len(found[1][-1].body) > 1:
                found[1][-1].body.remove(found[0])

    def _reformat(self) -> None:
        if found := self.pick(Defect):
            found[0].layout += self.dice.randint(1, 3)

    def _reformat_all(self) -> None:
        layout = self.dice.randint(0, 3)
        for node, _ in walk(self.dice.choice(self.files)):
            if isinstance(node, Defect):
                node.layout = layout

    def _wrap(self) -> None:
        found = self.pick(Defect)
        if found and self.write.language.headers:
            body = found[1][-1].body
            place = body.index(found[0])
            body[place] = Block(self.dice.choice(self.write.language.headers), [found[0]])

    def _rename_file(self) -> None:
        self.dice.choice(
            self.files
        ).path = f"{self.write.name('d')}/{self.write.name('m')}{self.write.language.suffix}"

    def _rename_definition(self) -> None:
        if found := self.pick(Definition):
            found[0].name = self.write.name("g")

    def _rename_definitions(self) -> None:
        for node, _ in walk(self.dice.choice(self.files)):
            if isinstance(node, Definition):
                node.name = self.write.name("g")

    def _reorder(self) -> None:
        file = self.dice.choice(self.files)
        found = self.pick(Definition, file)
        for node in (file, found[0] if found else file):
            slots = [n for n, item in enumerate(node.body) if isinstance(item, Definition)]
            nodes = [node.body[n] for n in slots]
            self.dice.shuffle(nodes)
            for slot, item in zip(slots, nodes, strict=True):
                node.body[slot] = item

    def _equal_line(self) -> None:
        if found := self.pick(Defect):
            body = found[1][-1].body
            twin = replace(found[0], layout=found[0].layout + self.dice.choice((0, 0, 1)))
            place = body.index(found[0]) + self.dice.choice((0, 1))
            apart = self.dice.random() < 0.7
            body[place:place] = [self.write.anchor(), twin, self.write.anchor()][
                0 if apart else 1 : 3 if apart else 2
            ]

    def _remove(self) -> None:
        if found := self.pick(Defect):
            body = found[1][-1].body
            body.remove(found[0])
            body.append(self.write.anchor())

    def _copy_file(self) -> None:
        twin = self.write.copy(self.dice.choice(self.files))
        twin.path, twin.was = self.write.name("m") + self.write.language.suffix, ""
        self.files.append(twin)

    def _copy_definition(self) -> None:
        if found := self.pick(Definition):
            twin = self.write.copy(found[0])
            twin.name = self.write.name("g")
            body = found[1][-1].body
            body.insert(body.index(found[0]) + self.dice.choice((0, 1)), twin)

    def _new_definition(self) -> None:
        file = self.dice.choice(self.files)
        file.body.append(self.write.function())

    def _reword(self) -> None:
        self.title = self.write.name("title")
        self.severity = self.dice.choice(list(Severity))

    def _upgrade(self) -> None:
        self.key = replace(self.key, tool=self.write.name("t"), rules=self.write.name("r"))

    def _rename_rule(self) -> None:
        rule = self.dice.choice(list(self.write.language.layouts))
        new = self.write.name("rule")
        table = dict(self.memory.policy.renames.table.get(self.scanner, {}))
        table[self.rules.get(rule, rule)] = self.rules[rule] = new
        self.memory.policy = Policy(renames=RuleRenames({self.scanner: table}))

    def _better_fingerprints(self) -> None:
        self.versions += 1

    def observation(self, defect: Any, reader: CodeReader, place: Place) -> Observation:
        evidence = reader.evidence(place.line or 0, place.end_line)
        fingerprints = evidence.fingerprints
        for version in range(self.versions):
            value = hashlib.sha256(f"{version}{fingerprints[0][1]}".encode()).hexdigest()[:32]
            fingerprints = ((f"better/{version}", value), *fingerprints)
        return Observation(
            self.scanner,
            self.rules.get(defect.rule, defect.rule),
            FindingKind.CODE,
            self.severity,
            Confidence.HIGH,
            self.title,
            replace(place, symbol=evidence.symbol, scope=evidence.scope),
            fingerprints=fingerprints,
            cwe=("CWE-78",),
        )

    def look(self, changed: Callable[[dict[str, str]], TreeChange] | None = None) -> None:
        """Scans, records, and checks every finding against the truth.

        Args:
            changed: gives what happened from the texts by path; by default as difflib sees it.
        """
        texts = {file: self.write.render(file) for file in self.files}
        now: dict[Any, Known] = {}
        found = []
        for file, (text, spots) in texts.items():
            reader, blob = CodeReader(file.path, text), _blob(text)
            around = dict(walk(file))
            for defect, spot in spots.items():
                inside = [n for n in around[defect] if isinstance(n, Definition)]
                group = (file, inside[-1] if inside else None, defect.rule, defect.argument)
                symbol = tuple(definition.name for definition in inside)
                now[defect] = Known(group, symbol, spot.line, "", blob)
                place = Place(file.path, spot.line, spot.end_line, blob=blob)
                found.append(self.observation(defect, reader, place))
        self.dice.shuffle(found)
        change = (changed or self._by_difflib)({f.path: text for f, (text, _) in texts.items()})
        self.memory.look(found, self.scanner, change=change, scan_key=self.key)
        for defect, one in now.items():
            finding = self.memory.id_at(one.group[0].path, one.line, self.scanner)
            now[defect] = replace(one, finding=finding)
        assert len({one.finding for one in now.values()}) == len(now), "two are one finding"
        assert self.memory.open_ids() == {one.finding for one in now.values()}
        check(self.known, now, change, self.resolved)
        standing = {one.finding for one in now.values()}
        for one in self.known.values():
            if one.finding not in standing:
                self.resolved[one.finding] = one.group
        self.known, self.texts = now, {file: text for file, (text, _) in texts.items()}
        for file in self.files:
            file.was = file.path

    def _by_difflib(self, texts: dict[str, str]) -> TreeChange:
        maps = {
            (_blob(old), _blob(texts[file.path])): self.kit.line_map(old, texts[file.path])
            for file, old in self.texts.items()
        }
        renames = {file.was: file.path for file in self.texts if file.was != file.path}
        return TreeChange(renames, maps, 1.0)


def _blob(text: str) -> str:
    """As git names it."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
