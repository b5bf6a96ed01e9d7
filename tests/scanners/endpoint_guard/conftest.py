"""Looks of the guard at endpoints on loopback, under a name that only this process resolves."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import model_servers
import pytest
from endpoints import HOST, Authority, Served, serve
from inventories import error_of, found  # noqa: F401 - fixtures

from compline.config.targets.endpoints import Endpoint
from compline.model import Look, Target, TargetKind
from compline.scanners.endpoints.scanner import EndpointGuard
from compline.scanners.expectations import canary
from compline.scanners.expectations.collector import Asked
from compline.scanners.interface import Job, ScanContext
from compline.tools.toolbox import Toolbox

SECRETS = {"TOKEN": model_servers.TOKEN, "PHRASE": model_servers.PHRASE}
LookAt = Callable[..., Look]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def good(authority: Authority) -> Iterator[Served]:
    with serve(model_servers.good(), authority.issue("good")) as served:
        yield served


@pytest.fixture(scope="session")
def plain_good() -> Iterator[Served]:
    """Without TLS, for what has nothing to do with it: sslyze takes some seconds."""
    with serve(model_servers.good()) as served:
        yield served


@pytest.fixture(scope="session")
def redirecting() -> Iterator[Served]:
    with serve(model_servers.redirecting()) as served:
        yield served


@pytest.fixture(scope="session")
def bad(authority: Authority) -> Iterator[Served]:
    """Everything open, every version of TLS, a short key for another host that has expired."""
    certificate = authority.issue("bad", host="other.test", days=-2, bits=1024)
    with serve(model_servers.bad(), certificate, weak=True) as served:
        yield served


@pytest.fixture(scope="session")
def plain_bad() -> Iterator[Served]:
    with serve(model_servers.bad()) as served:
        yield served


@pytest.fixture(scope="session")
def closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Has the name resolve to these addresses, one after the other; gives what was asked for."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def to(*addresses: str, host: str = HOST) -> list[str]:
        left = list(addresses)
        asked.clear()

        def fake(name: Any, *rest: Any, **named: Any) -> Any:
            if name != host:
                return real(name, *rest, **named)
            asked.append(name)
            address = left.pop(0) if len(left) > 1 else left[0]
            port = rest[0] if rest and isinstance(rest[0], int) else 0
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", fake)
        return asked

    return to


@pytest.fixture(scope="session")
def prove_once() -> Callable[[str, Asked], None]:
    """The canary itself, run once per session instead of once per look: it costs a second."""
    proved: list[str] = []
    prove = canary.prove_built_in

    def once(kind: str, asked: Asked) -> None:
        if kind not in proved:
            prove(kind, asked)
            proved.append(kind)

    return once


@pytest.fixture
def look_at(
    context: Callable[..., ScanContext],
    tools: Callable[..., Toolbox],
    resolves: Callable[..., list[str]],
    prove_once: Callable[[str, Asked], None],
    authority: Authority,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> LookAt:
    """One look at the endpoint at a port; settings as in the configuration."""
    monkeypatch.setattr(canary, "prove_built_in", prove_once)

    def look(
        port: int,
        *,
        scheme: str = "https",
        path: str = "/v1",
        seconds: int = 60,
        addresses: tuple[str, ...] = ("127.0.0.1",),
        **given: Any,
    ) -> Look:
        resolves(*addresses)
        settings: dict[str, Any] = {
            "url": f"{scheme}://{HOST}:{port}{path}",
            "shape": "openai",
            "model": "scorer",
            "credential": "env:TOKEN",
            "ca": str(authority.path),
            "plain_port": closed_port,
            "private_hosts": [HOST],
            **given,
        }
        entry = Endpoint.model_validate({"name": "scoring", **settings})
        kept = entry.model_dump(mode="json", exclude={"name", "labels"})
        target = Target(TargetKind.ENDPOINT, "scoring", entry.locator, settings=kept)
        asked = context(
            tools("sslyze"),
            now=datetime.now(UTC),
            secrets=SECRETS,
            scanners={"endpoint-guard": {"seconds": seconds}},
        )
        (result,) = EndpointGuard().scan([Job(target, "")], asked)
        return result

    return look


@pytest.fixture
def golden() -> Path:
    return Path(__file__).parent / "golden"
