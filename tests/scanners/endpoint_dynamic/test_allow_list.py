"""Generated requests go to the listed host at its first address, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import scored
from endpoints import HOST, Served, serve


@pytest.fixture
def elsewhere() -> Iterator[Served]:
    """A server that nobody has listed."""
    with serve(scored.good()) as served:
        yield served


def leading_to(elsewhere: Served) -> Any:
    """An application whose document and operations lead to the other server."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        location = f"http://127.0.0.1:{elsewhere.port}{scope['path']}".encode()
        await send(
            {"type": "http.response.start", "status": 307, "headers": [(b"location", location)]}
        )
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", []),
        ("127.0.0.1", ["10.0.0.0/8"]),
        ("169.254.169.254", [HOST]),
        ("::ffff:169.254.169.254", [HOST]),
        ("64:ff9b::169.254.169.254", [HOST]),
        ("0.0.0.0", [HOST]),
    ],
)
def test_an_address_that_is_not_listed_gets_nothing(
    look_at: Any, error_of: Any, good: Served, document: Any, address: str, private: list[str]
) -> None:
    before = len(good.requests)
    schema = document(scored.good().openapi())
    error = error_of(look_at(good.port, schema, addresses=(address,), private_hosts=private))
    assert "private_hosts" in error
    assert len(good.requests) == before


def test_a_redirect_is_not_followed_off_the_list(
    look_at: Any, error_of: Any, document: Any, elsewhere: Served
) -> None:
    with serve(leading_to(elsewhere)) as served:
        look = look_at(served.port, document(scored.good().openapi()), scheme="http")
        assert ("POST", "/score") in served.requests
    assert "no operation was reached: every answer is a redirect" in error_of(look)
    assert elsewhere.requests == []


def test_a_document_that_is_led_elsewhere_is_not_fetched(
    look_at: Any, error_of: Any, elsewhere: Served
) -> None:
    with serve(leading_to(elsewhere)) as served:
        url = f"http://{HOST}:{served.port}/openapi.json"
        assert "answers 307" in error_of(look_at(served.port, url, scheme="http"))
        assert served.requests == [("GET", "/openapi.json")]
    assert elsewhere.requests == []


def test_a_document_on_another_host_keeps_to_the_same_rules(
    look_at: Any, error_of: Any, good: Served, elsewhere: Served
) -> None:
    url = f"http://127.0.0.1:{elsewhere.port}/openapi.json"
    before = len(good.requests)
    error = error_of(look_at(good.port, url, hosts=[HOST, "127.0.0.1"]))
    assert "127.0.0.1 is at the private address 127.0.0.1" in error
    assert (elsewhere.requests, len(good.requests)) == ([], before)
