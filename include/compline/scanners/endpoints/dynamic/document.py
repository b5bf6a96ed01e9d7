"""An OpenAPI document as the tool may have it: whole, of one piece, with a canary in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from compline.scanners.lineage.yaml_text import Unreadable, refuse_bombs

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Unusable(Exception):
    """No document that could be tested by; the message says why."""


@dataclass(frozen=True)
class Document:
    """What schemathesis is given, and what is asked of it."""

    text: bytes
    """JSON with the canary's operation in it."""
    operations: tuple[str, ...]
    """`METHOD /path` of the endpoint's own, in the document's order."""


def prepare(content: bytes, canary: str, method: str = "GET") -> Document:
    """Reads the document and plants the canary.

    Args:
        content: JSON or YAML.
        canary: path of an operation that always fails.
        method: its method.

    Raises:
        Unusable: not readable, not OpenAPI 2 or 3, without operations, or not of one piece.
    """
    value = _parsed(content)
    if not isinstance(value, dict) or not ("openapi" in value or "swagger" in value):
        raise Unusable("the document is no OpenAPI document")
    paths = value.get("paths")
    if not isinstance(paths, dict) or not (operations := tuple(_operations(paths))):
        raise Unusable("the OpenAPI document has no operations")
    if any(not reference.startswith("#") for reference in _references(value)):
        # The tool would fetch it from wherever it points to.
        raise Unusable("the OpenAPI document refers to other documents: bundle it into one")
    answer: dict[str, Any] = {"description": "never given"}
    if "openapi" in value:
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    planted = {**paths, canary: {method.lower(): {"responses": {"200": answer}}}}
    # Where requests go is decided by the command line: nothing in the document may say otherwise.
    rest = {
        name: part for name, part in value.items() if name not in ("servers", "host", "schemes")
    }
    rest.pop("basePath", None)
    return Document(json.dumps({**rest, "paths": planted}).encode(), operations)


def _parsed(content: bytes) -> Any:
    try:
        text = content.decode("utf-8")
        if text.lstrip().startswith("{"):
            return json.loads(text)
        refuse_bombs(text)
        value = yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - a safe one
        return json.loads(json.dumps(value))
    except Unreadable as error:
        raise Unusable(f"the OpenAPI document is not taken: {error}") from None
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise Unusable(f"the OpenAPI document cannot be read ({type(error).__name__})") from None


class _JsonLoader(yaml.SafeLoader):
    """YAML without dates, which JSON does not have."""


_JsonLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, item in paths.items():
        if isinstance(item, dict):
            yield from (f"{method.upper()} {path}" for method in METHODS if method in item)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref" and isinstance(item, str):
                yield item
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
