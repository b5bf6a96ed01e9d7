"""A repository under random edits, and the truth about which finding must stay.

After each look the finding at a defect's place must be the one that it was given at first sight.
By nature nobody can say it, and then only the number is held:

- among equal statements of one definition, for those whose lines the diff does not keep while
  another is added or removed, or whose lines it keeps as another's (equal statements that exchange
  their layouts, an equal line put right beside);
- when equal statements leave one definition and come to another in the same commit: one that was
  moved looks the same as one that was mended and one that was written anew;
- in a file that git does not see as renamed, or whose copy it takes for it;
- when a definition gets another name in the commit in which equal code is added elsewhere, or in
  which the diff takes one such definition for another, or beside a copy of itself.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from written import LANGUAGES, Block, Defect, Definition, File, Line, Writer, walk

from compline.findings.change import LineMap, TreeChange
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


@dataclass(frozen=True)
class Known:
    """What is remembered of a defect's last look."""

    group: tuple[Any, ...]
    """File, definition, rule and argument: within it all code is equal."""
    symbol: tuple[str, ...]
    line: int
    finding: str
    blob: str


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
        self._check(now, change)
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

    def _check(self, now: dict[Any, Known], change: TreeChange) -> None:
        families: dict[Any, set[Any]] = defaultdict(set)
        for defect, one in (self.known | now).items():
            families[one.group[0], one.group[2:]].add(defect)
        old_ids = {one.finding for one in self.known.values()}
        for (file, *_), family in families.items():
            if _mistaken(file, change):
                continue
            had = {each: self.known[each].finding for each in family if each in self.known}
            has = {each: now[each].finding for each in family if each in now}
            came, gone = has.keys() - had.keys(), had.keys() - has.keys()
            doubtful = self._doubtful(family, now, change)
            sure = (has.keys() & had.keys()) - doubtful
            for defect in sure:
                assert has[defect] == had[defect], f"{defect} is another now"
            # What nobody can tell apart may stand for each other, and for nothing else.
            may = {had[each] for each in had.keys() - sure} if doubtful or (came and gone) else ()
            for defect in has.keys() - sure:
                assert has[defect] in may or has[defect] not in old_ids, f"{defect} took over"
            before = Counter(self.known[each].group for each in had)
            after = Counter(now[each].group for each in has)
            kept = set(has.values()) & set(had.values())
            renamed = any(self.known[each].symbol != now[each].symbol for each in doubtful)
            assert renamed or len(kept) >= (before & after).total(), "a finding was lost"

    def _doubtful(self, family: set[Any], now: dict[Any, Known], change: TreeChange) -> set[Any]:
        """Those of equal code of which only the number can be known."""
        blob = next((now[each].blob for each in family if each in now), "")
        lines = {now[each].line: each for each in family if each in now}
        kept = {}
        for each in family & self.known.keys():
            line_map = change.line_maps.get((self.known[each].blob, blob), LineMap())
            kept[each] = lines.get(line_map.new_line(self.known[each].line) or 0)
        misled = {each for each, new in kept.items() if new not in (None, each)}
        came, stay = family - self.known.keys(), family & self.known.keys() & now.keys()
        stirred = {(self.known | now)[each].group for each in came | (family - now.keys())}
        doubtful = set()
        for each in stay:
            group = self.known[each].group
            renamed = self.known[each].symbol != now[each].symbol
            unclear = group in stirred or (misled and stirred)
            unclear = unclear or any(self.known[other].group == group for other in misled)
            twins = {
                other.origin
                for one in stay
                if (other := self.known[one].group[1]) not in (None, group[1])
            }
            renamed = renamed and (came or misled or group[1].origin in twins)
            if renamed or (unclear and kept[each] is not each):
                doubtful.add(each)
        return doubtful


def _blob(text: str) -> str:
    """As git names it."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _mistaken(file: File, change: TreeChange) -> bool:
    """Whether git takes a renamed file for a new one, or a copy for the renamed original."""
    if file.was:
        return change.renames.get(file.was, file.was) != file.path
    return file.path in change.renames.values()
