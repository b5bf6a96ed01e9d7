"""Endpoints in compline.yaml: what is wrong is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compline.config.loader import ConfigError, parse_config
from compline.config.targets.endpoints import Endpoint

HEAD = (
    "organisation: a\ntargets:\n  endpoints:\n    - name: e\n      url: https://m.example.org/v1\n"
)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(HEAD + text, Path("/c/compline.yaml"))
    return [str(mistake) for mistake in caught.value.mistakes]


def endpoint(text: str) -> Endpoint:
    (entry,) = parse_config(HEAD + text, Path("/c/compline.yaml")).targets.endpoints
    return entry


def test_all_that_can_be_said() -> None:
    entry = endpoint(
        """\
      shape: openai
      model: scorer
      credential: env:TOKEN
      send: header:X-API-Key
      openapi: docs/openapi.json
      dynamic: true
      hosts: [M.example.org]
      methods: [GET]
      probes: true
      prompt_canary: env:PHRASE
      call: {method: POST, path: score, body: {x: 1}}
      private_hosts: [10.0.0.0/8]
      policy: {public_paths: [/docs]}
"""
    )
    assert entry.openapi == Path("/c/docs/openapi.json")
    assert entry.locator == "https://m.example.org/v1"
    assert dict(entry.references()) == {"credential": "env:TOKEN", "prompt_canary": "env:PHRASE"}
    assert dict(entry.paths()) == {"openapi": Path("/c/docs/openapi.json")}


@pytest.mark.parametrize("url", ["https://m.example.org:99999", "http://m:port/v1", "https://[::1"])
def test_a_url_without_a_place(url: str) -> None:
    text = f"organisation: a\ntargets:\n  endpoints:\n    - name: e\n      url: {url}\n"
    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path("/c/compline.yaml"))
    (mistake,) = caught.value.mistakes
    assert str(mistake).endswith(
        ":5: targets.endpoints.0.url: the host or the port in the URL is none"
    )


def test_a_document_by_url() -> None:
    entry = endpoint("      openapi: https://m.example.org/openapi.json\n")
    assert entry.openapi == "https://m.example.org/openapi.json"
    assert dict(entry.paths()) == {}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("      dynamic: true\n", 6, "needs `openapi:`"),
        ("      openapi: o.json\n      dynamic: true\n", 7, "needs 'm.example.org' among `hosts:`"),
        ("      openapi: o.json\n      hosts: [other]\n      dynamic: true\n", 8, "among `hosts:`"),
        ("      probes: true\n", 6, "needs `shape: openai`"),
        ("      openapi: https://other.example.org/o.json\n", 6, "neither the endpoint's host"),
        ("      shape: opanai\n", 6, "did you mean 'openai'?"),
        ("      send: token\n", 6, "pattern"),
        ("      credential: hunter2\n", 6, "a literal secret is refused"),
        ("      call: {method: DELETE, path: x}\n", 6, "'GET' or 'POST'"),
        ("      call: {pth: x}\n", 6, "did you mean 'path'?"),
        ("      methods: [TRACE]\n", 6, "'TRACE'"),
        ("      plain_port: 0\n", 6, "greater than or equal to 1"),
    ],
)
def test_mistakes_have_their_line(text: str, line: int, message: str) -> None:
    found = mistakes(text)
    assert any(f":{line}: " in each and message in each for each in found), found
    assert "hunter2" not in "".join(found)


def test_a_policy_that_no_scanner_understands(tmp_path: Path) -> None:
    from compline.pipeline.foresee import wrong_policies

    def wrong(policy: str) -> list[Any]:
        config = parse_config(f"{HEAD}      policy: {policy}\n", tmp_path / "compline.yaml")
        return list(wrong_policies(config))

    assert wrong("{public_paths: [/docs], rate_limit_calls: 5}") == []
    ((where, why),) = wrong("{public_path: [/docs]}")
    assert where == ("targets", "endpoints", 0, "policy")
    assert "did you mean 'public_paths'?" in why
    ((_, why),) = wrong("{rate_limit_calls: many}")
    assert "must be a whole number" in why
