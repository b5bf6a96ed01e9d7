"""Sources that are written, edited as people edit, and rendered; every defect is marked.

The marks are the objects themselves: the matcher never sees them, the test knows by them which
finding must be where. A source is Python (read by its syntax tree), JavaScript, YAML or a
Dockerfile (read as tokens).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(eq=False)
class Line:
    """Something that is no defect."""

    text: str


@dataclass(eq=False)
class Defect:
    """A statement that is reported; those of equal rule and argument have equal code."""

    rule: str
    argument: str
    layout: int = 0


@dataclass(eq=False)
class Block:
    """Statements inside a control structure."""

    header: str
    body: list[Any]


@dataclass(eq=False)
class Definition:
    """A function, class, job or build stage."""

    kind: str
    name: str
    body: list[Any]
    origin: object = field(default_factory=object)
    """The same for copies."""


@dataclass(eq=False)
class File:
    path: str
    body: list[Any]
    was: str = ""
    """Its path at the last look; empty while it is new."""


@dataclass(frozen=True)
class Spot:
    """Where a defect is now."""

    line: int
    end_line: int
    text: str


@dataclass(frozen=True)
class Language:
    """How a language writes what the generator knows."""

    suffix: str
    layouts: dict[str, tuple[str, ...]]
    """By rule: ways to write the same code; {0} is the argument."""
    arguments: tuple[str, ...]
    fillers: tuple[str, ...]
    """{0} is a name that is used once; some have none, as real sources repeat themselves."""
    kinds: tuple[str, ...]
    """Of definitions; only the first holds others."""
    headers: tuple[str, ...] = ()
    """Of blocks."""
    comment: str = "#"
    nested: int = 4


PYTHON = Language(
    ".py",
    {
        "exec-used": (
            "exec({0})",
            "exec( {0} )  # so",
            "exec(\n    {0},\n)",
            "exec(\n    # why not\n    {0}\n)",
        ),
        "eval-used": ("y = eval({0})", "y  =  eval({0})", "y = (\n    eval({0})\n)"),
        "shell": (
            "subprocess.run({0}, shell=True)",
            "subprocess.run(\n    {0},\n    shell=True,\n)",
            "subprocess.run(({0}), shell = True)",
        ),
        "returned": ("return pickle.loads({0})", "return pickle.loads(\n    {0}\n)"),
    },
    ("x", '"a" + x', "x[0]"),
    ("{0} = 0", "{0} = 0", "print(x, {0!r})", "# {0}", "", "x = None", "pass"),
    ("class", "function"),
    ("if x:", "for y in x:", "while not x:", "with x:", "try:"),
)
JAVASCRIPT = Language(
    ".js",
    {
        "eval-used": (
            "eval({0});",
            "eval( {0} ) ;  // so",
            "eval(\n    {0}\n);",
            "eval(\n    // why not\n    {0} /* yes */\n);",
        ),
        "shell": ("child.exec({0});", "child\n    .exec({0});", "child.exec( {0} );"),
    },
    ("x", "'a' + x", "x[0]"),
    ("let {0} = 0;", "let {0} = 0;", "console.log('{0}');", "// {0}", "", "x = null;"),
    ("class", "function"),
    ("if (x) {", "for (const y of x) {", "while (!x) {"),
    "//",
)
YAML = Language(
    ".yaml",
    {
        "curl-shell": (
            "- run: curl {0} | sh",
            "- run:   curl  {0} |  sh",
            "- run: curl {0} | sh  # so",
        ),
        "privileged": ("- privileged: {0}", "-   privileged:  {0}  # why"),
    },
    ("a.example", "b.example"),
    ("- {0}: 1", "- {0}: 1", "- echo: {0}", "# {0}", "", "- x: 1"),
    ("job", "step"),
)
DOCKERFILE = Language(
    ".dockerfile",
    {
        "curl-shell": ("RUN curl {0} | sh", "RUN  curl   {0} |  sh", "RUN curl {0} | sh  # so"),
        "added": ("ADD {0} /", "ADD  {0}   /"),
    },
    ("a.example", "b.example"),
    ("ENV {0}=1", "RUN echo {0}", "# {0}", "", "RUN apt-get update"),
    ("stage",),
)
LANGUAGES = {"python": PYTHON, "javascript": JAVASCRIPT, "yaml": YAML, "dockerfile": DOCKERFILE}


class Writer:
    """Makes and renders sources of one language."""

    def __init__(self, language: Language, dice: random.Random) -> None:
        self.language = language
        self.dice = dice
        self.names = 0
        # Few, so that much of the code is equal.
        self.rules = dice.sample(list(language.layouts), 2)
        self.arguments = dice.sample(language.arguments, dice.randint(1, 2))

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def line(self) -> Line:
        return Line(self.dice.choice(self.language.fillers).format(self.name("v")))

    def anchor(self) -> Line:
        """A line that is there once: of it every diff can say whether it was kept."""
        return Line(self.language.fillers[0].format(self.name("v")))

    def defect(self) -> Defect:
        return Defect(self.dice.choice(self.rules), self.dice.choice(self.arguments))

    def function(self) -> Definition:
        body: list[Any] = [self.anchor()]
        for _ in range(self.dice.randint(1, 3)):
            body += [self.defect(), *(self.line() for _ in range(self.dice.randint(1, 2)))]
        if self.language.headers and self.dice.random() < 0.4:
            inner = [self.defect(), self.line(), self.defect()][: self.dice.randint(1, 3)]
            body.append(Block(self.dice.choice(self.language.headers), inner))
        return Definition(self.language.kinds[-1], self.name("f"), body)

    def file(self) -> File:
        body: list[Any] = [self.anchor(), self.line(), self.anchor()]
        for _ in range(self.dice.randint(1, 3)):
            if len(self.language.kinds) > 1 and self.dice.random() < 0.4:
                functions = [self.function() for _ in range(self.dice.randint(1, 2))]
                body.append(Definition(self.language.kinds[0], self.name("C"), list(functions)))
            else:
                body.append(self.function())
        if self.language.suffix == ".py" and self.dice.random() < 0.3:
            body += [self.anchor(), replace(self.defect(), rule="exec-used"), self.anchor()]
        return File(self.name("m") + self.language.suffix, body)

    def copy(self, node: Any) -> Any:
        """The same text again, of new defects."""
        if isinstance(node, Definition | Block | File):
            return replace(node, body=[self.copy(item) for item in node.body])
        return replace(node)

    def text(self, defect: Defect) -> str:
        layouts = self.language.layouts[defect.rule]
        return layouts[defect.layout % len(layouts)].format(defect.argument)

    def render(self, file: File) -> tuple[str, dict[Defect, Spot]]:
        """The file's text, and where its defects are."""
        lines: list[str] = []
        spots: dict[Defect, Spot] = {}
        for item in file.body:
            self._render(item, 0, lines, spots)
        return "\n".join(lines) + "\n", spots

    def _render(self, node: Any, depth: int, lines: list[str], spots: dict[Defect, Spot]) -> None:
        pad = " " * depth
        if isinstance(node, Line):
            # The file's own level of YAML is a mapping.
            text = node.text if depth or self.language is not YAML else node.text.lstrip("- ")
            lines.append(pad + text if text else "")
        elif isinstance(node, Defect):
            text = self.text(node)
            # The call, as tools report it, not what is wrapped around it.
            first = next(n for n, row in enumerate(text.split("\n")) if row.strip(" y=(") or not n)
            last = text.count("\n") - (1 if first else 0)
            start = len(lines) + 1
            rows = [pad + row for row in text.split("\n")]
            spots[node] = Spot(start + first, start + last, "\n".join(rows))
            lines += rows
        else:
            self._render_nest(node, depth, lines, spots)

    def _render_nest(
        self, node: Any, depth: int, lines: list[str], spots: dict[Defect, Spot]
    ) -> None:
        pad = " " * depth
        inner, tail = depth + self.language.nested, ()
        if isinstance(node, Block):
            lines.append(pad + node.header)
            if node.header == "try:":
                tail = ("except ValueError:", "    pass")
            elif node.header.endswith("{"):
                tail = ("}",)
        elif self.language is PYTHON:
            word = "class {0}:" if node.kind == "class" else "def {0}(x):"
            lines += ["", f"{pad}{word.format(node.name)}"]
        elif self.language is JAVASCRIPT:
            word = "class {0} {{" if node.kind == "class" else "function {0}(x) {{"
            if depth and node.kind == "function":
                word = "{0}(x) {{"
            lines += ["", f"{pad}{word.format(node.name)}"]
            tail = ("}",)
        elif self.language is YAML and node.kind == "step":
            inner = depth + 4
            lines += [f"{pad}- name: {node.name}", f"{pad}  do:"] if depth else [f"{node.name}:"]
        elif self.language is YAML:
            lines.append(f"{node.name}:")
        else:
            lines += ["", f"FROM debian AS {node.name}"]
            inner = 0
        for item in node.body:
            self._render(item, inner, lines, spots)
        if self.language is PYTHON and not any(_is_code(item) for item in node.body):
            lines.append(f"{' ' * inner}pass")
        lines += [pad + row for row in tail]


def _is_code(item: Any) -> bool:
    return not isinstance(item, Line) or (bool(item.text) and not item.text.startswith("#"))


def walk(node: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Everything below a node, with what it is inside of, the file first."""
    for item in node.body:
        yield item, (*around, node)
        if isinstance(item, Block | Definition):
            yield from walk(item, (*around, node))
