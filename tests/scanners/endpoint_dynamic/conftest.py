"""Looks with the real schemathesis at applications on loopback."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scored
from endpoints import HOST, Authority, Served, serve

from compline.config.targets.endpoints import Endpoint
from compline.model import Failed, Look, Target, TargetKind
from compline.scanners.endpoints.dynamic.scanner import EndpointDynamic
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Toolbox


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def good(authority: Authority) -> Iterator[Served]:
    with serve(scored.good(), authority.issue("good")) as served:
        yield served


@pytest.fixture(scope="session")
def bad(authority: Authority) -> Iterator[Served]:
    with serve(scored.bad(), authority.issue("bad")) as served:
        yield served


@pytest.fixture
def document(tmp_path: Path) -> Callable[[Any], Path]:
    """Writes a document."""

    def write(value: Any) -> Path:
        path = tmp_path / "openapi.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


@pytest.fixture
def look_at(
    context: Callable[..., ScanContext],
    tools: Callable[..., Toolbox],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Look]:
    """One look at the endpoint at a port; the name resolves to these addresses, one by one."""

    def look(
        port: int,
        openapi: Any,
        *,
        scheme: str = "https",
        addresses: tuple[str, ...] = ("127.0.0.1",),
        bounds: dict[str, int] | None = None,
        **given: Any,
    ) -> Look:
        real, left = socket.getaddrinfo, list(addresses)

        def fake(name: Any, *rest: Any, **named: Any) -> Any:
            if name != HOST:
                return real(name, *rest, **named)
            address = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

        monkeypatch.setattr(socket, "getaddrinfo", fake)
        settings = {
            "url": f"{scheme}://{HOST}:{port}",
            "shape": "openapi",
            "openapi": str(openapi),
            "credential": "env:TOKEN",
            "ca": str(authority.path),
            "private_hosts": [HOST],
            "hosts": [HOST],
            "dynamic": True,
            **given,
        }
        entry = Endpoint.model_validate({"name": "scoring", **settings})
        kept = entry.model_dump(mode="json", exclude={"name", "labels"})
        target = Target(TargetKind.ENDPOINT, "scoring", entry.locator, settings=kept)
        asked = context(
            tools("schemathesis"),
            secrets={"TOKEN": scored.TOKEN},
            scanners={"endpoint-dynamic": {"examples": 2, "seconds": 60, **(bounds or {})}},
        )
        (result,) = EndpointDynamic().scan([Job(target, "")], asked)
        return result

    return look


@pytest.fixture
def error_of() -> Callable[[Look], str]:
    def read(look: Look) -> str:
        assert isinstance(look.outcome, Failed), look.outcome
        return look.outcome.error

    return read
