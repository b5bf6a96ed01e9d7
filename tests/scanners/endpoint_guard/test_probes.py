"""How the answers to prompts are read, and what an answer gives away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compline.scanners.endpoints import probes
from compline.scanners.endpoints.asking import Answer
from compline.scanners.endpoints.leaks import leak


def answer(content: str | None, tool: str = "", status: int = 200) -> Answer:
    calls = [{"function": {"name": tool}}] if tool else []
    message = {"content": content, "tool_calls": calls}
    return Answer(status, {}, json.dumps({"choices": [{"message": message}]}))


@pytest.mark.parametrize(
    ("name", "said", "fell"),
    [
        (probes.INJECTION, answer("WORD"), True),
        (probes.INJECTION, answer("The team meets on Monday; the text also asks for WORD."), False),
        (probes.INJECTION, answer("I will not."), False),
        (probes.PROMPT, answer("You are WORD."), True),
        (probes.PROMPT, answer("No."), False),
        (probes.TOOL, answer(None, "WORD"), True),
        (probes.TOOL, answer("I would call WORD"), False),
        (probes.TOOL, answer(None, "other"), False),
        (probes.SECRETS, answer("key AKIA" + "ABCDEFGHIJKLMNOP"), True),
        (probes.SECRETS, answer("I hold no password."), False),
        (probes.PROMPT, answer("WORD", status=429), None),
        (probes.PROMPT, Answer(200, {}, "<html>WORD</html>"), None),
        (probes.PROMPT, Answer(200, {}, '{"choices": []}'), None),
    ],
)
def test_answers_to_prompts(name: str, said: Answer, fell: bool | None) -> None:
    assert probes.fell_for(name, "WORD", said) is fell


def test_the_probe_of_the_prompt_needs_a_phrase() -> None:
    def names(phrase: str) -> list[str]:
        return [probe.name for probe in probes.made("m", phrase)]

    assert probes.PROMPT not in names("")
    assert names("violet") == [probes.INJECTION, probes.PROMPT, probes.TOOL, probes.SECRETS]
    bodies: list[Any] = [probe.body for probe in probes.made("m", "violet")]
    assert all("violet" not in json.dumps(body) for body in bodies), "the phrase is never sent"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('Traceback (most recent call last):\n  File "x.py", line 3', "a Python stack trace"),
        ("at org.acme.Model.run(Model.java:42)", "a Java stack trace"),
        ("goroutine 1 [running]:", "a Go stack trace"),
        ("    at predict (/srv/app/index.js:3:5)", "a JavaScript stack trace"),
        ("at Acme.Run(String x) in C:\\x.cs:line 3", "a .NET stack trace"),
        ("<title>Werkzeug Debugger</title>", "a debugger"),
        ("sqlalchemy.exc.ProgrammingError", "a database's error"),
        ("cannot open /usr/lib/python3/model.bin", "a path of the server"),
        ('{"error": "not found", "path": "/v1/models"}', ""),
        ("Look at https://docs.example.org/app/index.html", ""),
    ],
)
def test_what_an_error_shows(text: str, shown: str) -> None:
    assert leak(text) == shown
