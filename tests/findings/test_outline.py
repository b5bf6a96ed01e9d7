"""What is around a line where there is no syntax tree."""

from __future__ import annotations

import time

import pytest

from compline.findings.fingerprints import CodeReader
from compline.findings.outline import Outline

JAVASCRIPT = """\
import x from "y";
class Foo extends Bar {
  async load(a) {
    if (a) { eval(a); }
    const inner = (x) => {
      eval(x);
    };
  }
}
app.get("/x", async (request) => {
  eval(request);
});
export const go = async function (x) {
  for (let i = 0; i < 3; i++) { eval(i); }
};
module.exports = { run: (a) => { eval(a) } };
eval("{");
"""
GO = "func (s *Server) Run(c Context) error {\n\texec(c)\n}\ntype X struct {\n\tA int\n}\n"
TERRAFORM = 'resource "aws_s3_bucket" "b" {\n  acl = "public"\n  rule {\n    x = 1\n  }\n}\n'
YAML = """\
kind: Pod
spec:
  containers:
  - name: web
    securityContext:
      privileged: true
  - name: "db"  # the other
    args:
      - --a
  volumes:
    - hostPath:
        path: /
---
spec:
  a:
    b: 1
"""
DOCKERFILE = "ARG X\nFROM h:5000/py:3.11 AS build\nRUN x\nFROM h:5000/a/b:1@sha256:0\nRUN y\n"


@pytest.mark.parametrize(
    ("path", "text", "symbols"),
    [
        (
            "a.js",
            JAVASCRIPT,
            {1: "", 2: "Foo", 3: "Foo.load", 4: "Foo.load", 6: "Foo.load.inner", 9: "Foo"}
            | {11: "get", 14: "go", 16: "run", 17: ""},
        ),
        ("a.go", GO, {2: "Run", 5: "X"}),
        ("a.tf", TERRAFORM, {2: "resource.aws_s3_bucket.b", 4: "resource.aws_s3_bucket.b"}),
        (
            "a.yaml",
            YAML,
            {1: "", 6: "spec.containers.web.securityContext", 9: "spec.containers.db.args"}
            | {12: "spec.volumes.hostPath", 13: "", 16: "spec.a"},
        ),
        ("Dockerfile", DOCKERFILE, {1: "", 3: "build", 5: "h:5000/a/b"}),
        ("a.txt", YAML, {6: ""}),
    ],
)
def test_symbols(path: str, text: str, symbols: dict[int, str]) -> None:
    outline = Outline(path, text.split("\n"))
    found = {line: outline.around(line) for line in symbols}
    assert {line: region.name if region else "" for line, region in found.items()} == symbols


def scope(path: str, text: str, line: int) -> str:
    return CodeReader(path, text).evidence(line).scope


@pytest.mark.parametrize(
    ("path", "text", "line", "same", "other"),
    [
        ("a.py", "def f(x):\n    exec(x)\n", 2, ("f(", "g("), ("x", "y")),
        ("a.js", "function f(x) {\n  eval(x);\n}\n", 2, ("f(", "g("), ("x", "y")),
        ("a.yaml", "web:\n  run: a\n  other: b\n", 2, ("web", "api"), ("other", "more")),
        ("Dockerfile", "FROM a AS b\nRUN x\nUSER y\n", 2, ("b", "c"), ("USER", "ENV")),
    ],
)
def test_a_scope_is_what_a_definition_holds_without_its_name(
    path: str, text: str, line: int, same: tuple[str, str], other: tuple[str, str]
) -> None:
    assert scope(path, text, line)
    assert scope(path, text.replace(*same), line) == scope(path, text, line)
    assert scope(path, text.replace(*other), line) != scope(path, text, line)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "def f(x):\n    exec(x)\n    password = 'hunter2'\n"),
        ("a.js", "function f(x) {\n  eval(x);\n  let password = 'hunter2';\n}\n"),
        ("a.yaml", "web:\n  run: x\n  password: hunter2\n  text: |\n    hunter2\n"),
        ("Dockerfile", "FROM a AS b\nRUN x\nENV PASSWORD=hunter2 \\\n    hunter2\n"),
    ],
)
def test_a_scope_does_not_hang_on_any_value(path: str, text: str) -> None:
    """An unkeyed hash over many lines must not let anybody try passwords."""
    assert scope(path, text, 2)
    assert scope(path, text.replace("hunter2", "letmein9"), 2) == scope(path, text, 2)


@pytest.mark.parametrize("path", ["a.js", "a.yaml", "Dockerfile"])
@pytest.mark.parametrize(
    "text",
    [
        "a(){" * 50_000,
        "function (" * 20_000 + "{",
        "a=" * 100_000 + "{",
        "- " * 100_000 + "a: b",
        "a: " + " " * 200_000 + "b",
        "x:\n" * 60_000,
        "FROM x" + " " * 200_000 + "y",
        "}" * 200_000,
    ],
)
def test_hostile_text_costs_little(path: str, text: str) -> None:
    started = time.process_time()
    Outline(path, text.split("\n")).around(1)
    assert time.process_time() - started < 5
