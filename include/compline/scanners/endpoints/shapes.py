"""What each shape of endpoint is asked: its own call, and what must be closed to strangers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A call by method, path and JSON body."""

    method: str
    path: str
    """With a leading slash on the host, else below the endpoint's URL."""
    body: Any = None


@dataclass(frozen=True)
class Door:
    """Something that strangers have no business with."""

    what: str
    """admin, metrics, docs, management, listing, download or file; `path-open-...` is the rule."""
    path: str
    method: str = "GET"
    body: Any = None
    mark: str = ""
    """What is in the answer of one that is really open, where many servers answer anything."""


def _doors(what: str, *paths: str) -> tuple[Door, ...]:
    return tuple(Door(what, path) for path in paths)


_COMMON = (
    *_doors("metrics", "/metrics", "/actuator/prometheus"),
    *_doors("docs", "/docs", "/redoc", "/openapi.json", "/swagger-ui/"),
    *_doors("admin", "/admin", "/console", "/dashboard"),
    *_doors("management", "/actuator/env", "/debug/pprof/", "/server-status"),
    Door("file", "/.env", mark="="),
    Door("file", "/.git/HEAD", mark="ref:"),
)
_DOORS: Mapping[str, Sequence[Door]] = {
    "openai": (
        *_doors("listing", "models", "/api/tags"),
        *_doors("download", "files"),
        *_doors("management", "fine_tuning/jobs", "/server_info", "/config", "/key/list"),
        *_doors("management", "/model/info", "/is_sleeping", "/load", "/info", "/api/ps"),
    ),
    "mlflow": (
        *_doors("management", "/version"),
        *_doors("listing", "/api/2.0/mlflow/registered-models/search"),
        *_doors("download", "/api/2.0/mlflow-artifacts/artifacts"),
    ),
    "kserve": (
        *_doors("listing", "/v1/models", "/v2/models"),
        *_doors("management", "/-/routes", "/v2"),
        Door("listing", "/v2/repository/index", "POST", {}),
    ),
    "triton": (
        Door("listing", "/v2/repository/index", "POST", {}),
        *_doors("management", "/v2/logging", "/v2/trace/setting"),
        *_doors("management", "/v2/systemsharedmemory/status", "/v2/cudasharedmemory/status"),
    ),
    "openapi": (),
    "plain": (),
}


def doors(shape: str, closed: Sequence[str]) -> tuple[Door, ...]:
    """Everything of a shape that must be closed, with what the policy adds."""
    own = tuple(Door("declared", path) for path in closed)
    found = {(door.method, door.path): door for door in (*own, *_DOORS[shape], *_COMMON)}
    return tuple(found.values())


def usual_call(shape: str, model: str) -> Asked:
    """What is called to see who is let in, where the configuration does not say."""
    if shape == "openai":
        if not model:
            return Asked("GET", "models")
        body = {"model": model, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 1}
        return Asked("POST", "chat/completions", body)
    if shape == "mlflow":
        return Asked("POST", "invocations", {"inputs": []})
    if shape in ("kserve", "triton") and model:
        version = "v1" if shape == "kserve" else "v2"
        return Asked("GET", f"{version}/models/{model}")
    return Asked("GET", "")
