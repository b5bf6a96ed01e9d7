"""The OSV API on loopback."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from packaging.version import Version

from compline.advisories.errors import AdvisoryError
from compline.advisories.index import OsvIndex
from compline.advisories.records import Record
from compline.advisories.service import OsvService

RecordOf = Callable[..., dict[str, Any]]


class Asking:
    """Asks as pip-audit does, over one connection."""

    def __init__(self, url: str) -> None:
        self.host, _, self.path = url.removeprefix("http://").partition("/")
        self.connection = http.client.HTTPConnection(self.host, timeout=5)

    def __call__(self, body: object, path: str = "") -> tuple[int, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request("POST", path or f"/{self.path}", content)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def question(name: str, version: str, ecosystem: str = "PyPI") -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


@pytest.fixture
def index(record: RecordOf) -> OsvIndex:
    spread = record(
        "PYSEC-1",
        "Shop.Tool",
        events=({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2"}, {"fixed": "2.1"}),
        aliases=["GHSA-b", "CVE-2024-1"],
        # Each of these makes pip-audit give up on everything.
        published="2024-05-06T07:08:09.123456789Z",
        schema_version="one",
    )
    spread["affected"].append(
        {
            "package": {"name": "shop-tool", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "odd"}, {"fixed": "3.0"}]}],
        }
    )
    return OsvIndex([spread], "here")


@pytest.fixture
def service(index: OsvIndex) -> Iterator[OsvService]:
    with OsvService(index, most_queries=20) as running:
        yield running


@pytest.fixture
def ask(service: OsvService) -> Iterator[Asking]:
    asking = Asking(service.url)
    yield asking
    asking.connection.close()


def test_an_affected_version_is_answered_in_a_shape_that_pip_audit_reads(
    ask: Asking, service: OsvService
) -> None:
    status, answer = ask(question("shop-tool", "0.5"))
    assert status == 200
    assert answer == {
        "vulns": [
            {
                "id": "PYSEC-1",
                "aliases": ["CVE-2024-1", "GHSA-b"],
                "summary": "PYSEC-1",
                "affected": [
                    {
                        "package": {"name": "shop-tool", "ecosystem": "PyPI"},
                        "ranges": [
                            {
                                "type": "ECOSYSTEM",
                                "events": [
                                    {"introduced": "0"},
                                    {"fixed": "1.0"},
                                    {"fixed": "2.1"},
                                    {"fixed": "3.0"},
                                ],
                            }
                        ],
                    }
                ],
            }
        ]
    }
    assert [each["id"] for each in service.answers["shop-tool", "0.5"]] == ["PYSEC-1"]


def test_what_is_not_affected_is_an_empty_object_as_osv_says_it(
    ask: Asking, service: OsvService
) -> None:
    assert ask(question("Shop_Tool", "1.5.0")) == (200, {})
    assert ask(question("unheard-of", "1")) == (200, {})
    assert service.answers == {("shop-tool", "1.5.0"): [], ("unheard-of", "1"): []}


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[" * 50_000,
        {"version": "1"},
        {"package": [], "version": "1"},
        question("shop-tool", "not a version"),
        question("shop-tool", "1.0", "npm"),
    ],
)
def test_odd_questions_are_refused_and_the_next_one_is_answered(ask: Asking, body: object) -> None:
    assert ask(body)[0] == 400
    assert ask(question("shop-tool", "0.5"))[0] == 200


def test_it_is_bounded(ask: Asking) -> None:
    ask.connection.putrequest("POST", f"/{ask.path}")
    ask.connection.putheader("Content-Length", "70000")
    ask.connection.endheaders()
    refused = ask.connection.getresponse()
    assert refused.status == 413
    refused.read()
    assert ask(question("shop-tool", "0.5"), "/v1/vulns/PYSEC-1")[0] == 404
    statuses = [ask(question("shop-tool", "0.5"))[0] for _ in range(25)]
    assert statuses == [200] * 20 + [429] * 5


def test_it_listens_on_loopback_alone_and_only_within_the_block(index: OsvIndex) -> None:
    service = OsvService(index, most_queries=1)
    with pytest.raises(RuntimeError, match="not running"):
        _ = service.url
    with service:
        assert service.url.startswith("http://127.0.0.1:")
        port = int(service.url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


class Unreachable:
    """A source that has nothing to say."""

    def affecting(self, name: str, version: Version) -> list[Record]:
        raise AdvisoryError("the OSV service cannot be asked")

    def known_vulnerable(self) -> tuple[str, str]:
        return "pyyaml", "5.3"

    def close(self) -> None:
        pass


def test_no_answer_is_never_an_empty_one() -> None:
    with OsvService(Unreachable(), most_queries=5) as service:
        status, _ = (asking := Asking(service.url))(question("shop", "1.0"))
        asking.connection.close()
        assert status == 503
        assert "cannot be asked" in str(service.error)
        assert service.answers == {}
