"""Identity under random edits: which finding stays, not only how many.

A small repository is edited step by step as people edit; every defect in it carries a mark that
the matcher never sees. After each look the finding at a defect's place must be the one that it
was given at first sight.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compline.model import Observation, Severity

_LAYOUTS = (
    "exec({0})",
    "exec( {0} )  # so",
    "exec(\n        {0},\n    )",
    "exec(\n        # why not\n        {0}\n    )",
)
_ARGUMENTS = ("x", '"a" + x', "x[0]")
_EDITS = (
    "lines",
    "reformat",
    "rename file",
    "rename function",
    "reorder",
    "insert equal",
    "remove",
    "copy file",
    "reword",
    "upgrade",
    "new function",
)


@dataclass
class Defect:
    """A line that is reported; two with the same argument have equal code."""

    argument: str
    layout: str = _LAYOUTS[0]


@dataclass
class Function:
    name: str
    body: list[Defect | str]


@dataclass
class File:
    path: str
    functions: list[Function]
    header: list[str] = field(default_factory=list)

    def render(self) -> tuple[str, dict[int, Defect]]:
        """The text, and which defect starts at which line."""
        lines = list(self.header)
        places: dict[int, Defect] = {}
        for function in self.functions:
            lines += ["", "", f"def {function.name}(x):"]
            for item in function.body:
                if isinstance(item, Defect):
                    places[len(lines) + 1] = item
                    text = item.layout.format(item.argument)
                else:
                    text = item
                lines += f"    {text}".split("\n")
        return "\n".join(lines) + "\n", places


class World:
    """The repository, its editor, and the truth about its defects."""

    def __init__(self, kit: Any, dice: random.Random) -> None:
        self.kit = kit
        self.dice = dice
        self.memory = kit.memory()
        self.key = kit.key
        self.title = "exec is used"
        self.severity = Severity.HIGH
        self.names = 0
        self.files = [self._file() for _ in range(dice.randint(1, 3))]
        self.texts: dict[str, str] = {}
        self.ids: dict[int, str] = {}
        self.alive: dict[int, Defect] = {}

    def _name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def _function(self) -> Function:
        body: list[Defect | str] = [self._line()]
        for _ in range(self.dice.randint(1, 3)):
            body += [Defect(self.dice.choice(_ARGUMENTS)), self._line()]
        return Function(self._name("f"), body)

    def _file(self) -> File:
        functions = [self._function() for _ in range(self.dice.randint(1, 3))]
        return File(self._name("m") + ".py", functions)

    def _line(self) -> str:
        return f"{self._name('v')} = 0"

    def edit(self, what: str) -> dict[str, str]:
        """Changes the repository in one way; gives the renames, as git would find them."""
        dice = self.dice
        file = dice.choice(self.files)
        function = dice.choice(file.functions)
        defects = [item for item in function.body if isinstance(item, Defect)]
        if what == "lines":
            file.header += [f"# {self._name('n')}" for _ in range(dice.choice((1, 3, 40)))]
            function.body.insert(dice.randint(0, len(function.body)), self._line())
        elif what == "reformat":
            # A formatter treats all alike. (Two equal statements that exchange their layouts are,
            # to every diff, one that was removed below and one that was inserted above.)
            layout = dice.choice(_LAYOUTS)
            for each in file.functions:
                for item in each.body:
                    if isinstance(item, Defect):
                        item.layout = layout
        elif what == "rename file":
            old, file.path = file.path, self._name("m") + ".py"
            return {old: file.path}
        elif what == "rename function":
            function.name = self._name("f")
        elif what == "reorder":
            dice.shuffle(file.functions)
        elif what == "insert equal":
            # Between lines of its own: of two equal lines that touch, nobody can say which
            # one was there first.
            twin = Defect(dice.choice(defects).argument) if defects else Defect("x")
            place = dice.choice((0, len(function.body)))
            function.body[place:place] = [self._line(), twin, self._line()]
        elif what == "remove" and defects:
            gone = dice.choice(defects)
            function.body = [item for item in function.body if item is not gone]
        elif what == "copy file":
            self.files.append(
                File(
                    self._name("m") + ".py",
                    [
                        Function(
                            each.name,
                            [
                                replace(item) if isinstance(item, Defect) else item
                                for item in each.body
                            ],
                        )
                        for each in file.functions
                    ],
                    list(file.header),
                )
            )
        elif what == "reword":
            self.title = self._name("title")
            self.severity = dice.choice(list(Severity))
        elif what == "upgrade":
            self.key = replace(self.key, tool=self._name("t"), rules=self._name("r"))
        elif what == "new function":
            file.functions.insert(dice.randint(0, len(file.functions)), self._function())
        return {}

    def look(self, renames: dict[str, str]) -> None:
        """Scans, records, and checks every finding against the truth."""
        observations: list[Observation] = []
        where: dict[int, tuple[str, int]] = {}
        defects: dict[int, Defect] = {}
        texts: dict[str, str] = {}
        for file in self.files:
            text, places = file.render()
            texts[file.path] = text
            for line, defect in places.items():
                found = self.kit.code(
                    file.path, text, line, title=self.title, severity=self.severity
                )
                observations.append(found)
                where[id(defect)] = (file.path, line)
                defects[id(defect)] = defect
        self.dice.shuffle(observations)
        pairs = [
            (old, texts[renames.get(path, path)])
            for path, old in self.texts.items()
            if renames.get(path, path) in texts
        ]
        change = self.kit.change(pairs, renames=renames) if self.texts else None
        self.memory.look(observations, change=change, scan_key=self.key)
        self.texts = texts
        now = {name: self.memory.id_at(*place) for name, place in where.items()}
        assert len(set(now.values())) == len(now), "two defects are one finding"
        for name, finding in self.ids.items():
            if name in now:
                assert now[name] == finding, f"{where[name]} is another finding now"
            else:
                assert finding not in self.memory.open_ids(), "a removed defect is open"
        for name, finding in now.items():
            if name not in self.ids:
                assert finding not in self.ids.values(), f"{where[name]} took over a finding"
        assert self.memory.open_ids() == set(now.values())
        self.ids = now
        self.alive = defects  # keeps the marks' identities from being reused


@settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32), edits=st.lists(st.sampled_from(_EDITS), min_size=1, max_size=6))
def test_edits_that_keep_a_defect_keep_its_finding(kit: Any, seed: int, edits: list[str]) -> None:
    world = World(kit, random.Random(seed))
    world.look({})
    for what in edits:
        renames = world.edit(what)
        if renames and world.dice.random() < 0.5:
            world.edit("lines")
        world.look(renames)
