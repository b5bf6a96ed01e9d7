"""A file is fetched only from where it may come, without our token, and must be what was listed."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from hub_looks import GOOD, Look
from hub_server import SIGNATURE, TOKEN
from store_proxy import Fault

from compline.model import GapReason
from compline.scanners.http.redirects import FileHosts

FILE = "fraud/main/model.safetensors"
METADATA = "169.254.169.254"


def redirected(look: Look, location: str, **more: Any) -> tuple[GapReason, str]:
    """The gap of a file that the Hub says is there."""
    look.proxy.fail("/resolve/", Fault(302, headers=(("Location", location),)))
    gaps = look.gaps(**more)
    assert "signed" not in repr(gaps)
    return gaps[FILE]


def test_the_token_goes_to_the_hub_alone_and_no_signature_is_kept(
    look: Look, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG):
        outcome = look()
    assert {authorization for _, _, authorization in look.hub.asked} == {f"Bearer {TOKEN}"}
    assert len(look.hub.handed) == 1
    ((_, path, headers),) = look.hub.handed
    assert SIGNATURE in path
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}
    assert TOKEN not in repr(headers)
    kept = [each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()]
    told = repr(outcome) + caplog.text + repr(kept)
    assert SIGNATURE not in told
    assert TOKEN not in told


def test_a_host_that_is_not_listed_is_not_asked(look: Look) -> None:
    look.models.settings["file_hosts"] = ["*.hf.co"]
    reason, detail = look.gaps()[FILE]
    assert reason is GapReason.FORBIDDEN
    assert "list it under `file_hosts`" in detail
    assert look.hub.storage.removeprefix("http://") in detail
    assert look.storage.requests == []
    assert "signed" not in detail


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (f"http://{METADATA}/latest/meta-data/?{SIGNATURE}", "only https is followed"),
        (f"https://{METADATA}/?{SIGNATURE}", "`file_hosts`"),
        (f"http://cdn.hf.co/?{SIGNATURE}", "only https is followed"),
        (f"https://user:signed@cdn.hf.co/?{SIGNATURE}", "`file_hosts`"),
        (f"https://cdn.hf.co:8443/?{SIGNATURE}", "`file_hosts`"),
        (f"https://evilhf.co/?{SIGNATURE}", "`file_hosts`"),
        (f"https://hf.co/?{SIGNATURE}", "`file_hosts`"),
        (f"https://cdn.hf.co.example/?{SIGNATURE}", "`file_hosts`"),
        (f"file:///etc/passwd?{SIGNATURE}", "only https is followed"),
    ],
)
def test_redirects_that_are_not_followed(look: Look, location: str, told: str) -> None:
    look.models.settings["file_hosts"] = ["*.hf.co"]
    assert told in redirected(look, location)[1]


@pytest.mark.parametrize("address", [METADATA, "10.0.0.7", "127.0.0.1", "::ffff:10.0.0.7"])
def test_a_listed_host_at_an_inner_address_is_not_asked(
    look: Look, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    look.models.settings["file_hosts"] = ["*.hf.co"]
    real = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **more: Any) -> Any:
        if host == "cdn.hf.co":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
        return real(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    _, detail = redirected(look, f"https://cdn.hf.co/x?{SIGNATURE}")
    assert address in detail
    assert "file_hosts" in detail


def test_a_redirect_without_end(look: Look) -> None:
    _, detail = redirected(look, f"/acme/fraud/resolve/again?{SIGNATURE}")
    assert detail.endswith("redirects more than 3 times")


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
@pytest.mark.parametrize("content", [b"something else", b"", b"{{}}" * 4000])
def test_another_content_than_the_listed_one_is_a_gap(
    look: Look, path: str, content: bytes
) -> None:
    look.hub.instead[path] = content
    place = f"fraud/main/{path}"
    gaps, facts = look.gaps(), look.facts()
    assert gaps[place][0] is GapReason.TRUNCATED
    look.hub.instead[path] = bytes(len(GOOD[path]))
    reason, detail = look.gaps()[place]
    assert reason is GapReason.UNPARSED
    assert "hands out another content" in detail
    assert place not in facts


@pytest.mark.parametrize("scanner", ["picklescan", "model-guard"])
@pytest.mark.parametrize("half", ["storage", "proxy"])
def test_half_a_file_is_a_gap(look: Look, scanner: str, half: str) -> None:
    look.hub.push("fraud", {**GOOD, "model.bin": b"\x80\x04K\x01." * 900, "a.pkl": b"K\x01." * 900})
    getattr(look, half).fail(
        {"storage": "/repos/", "proxy": "resolve-cache"}[half], Fault(half=True)
    )
    place = {"storage": "fraud/main/model.bin", "proxy": "fraud/main/a.pkl"}[half]
    gaps = {gap.path: gap.reason for gap in look(scanner).gaps}
    assert gaps[place] is GapReason.TRUNCATED


def test_a_file_that_drips_is_a_gap(look: Look) -> None:
    look.storage.fail("/repos/", Fault(body=b"x" * 100_000, drips=True))
    reason, detail = look.gaps(**look.within(1))[FILE]
    assert reason is GapReason.TRUNCATED
    assert "scanners.model-guard.seconds" in detail


@pytest.mark.parametrize(
    ("status", "reason"), [(403, GapReason.FORBIDDEN), (404, GapReason.FORBIDDEN)]
)
def test_storage_that_refuses_is_a_gap(look: Look, status: int, reason: GapReason) -> None:
    look.storage.fail("/repos/", Fault(status))
    found, detail = look.gaps()[FILE]
    assert found is reason
    assert f"at localhost answers {status}" in detail
    assert "signed" not in detail


def test_busy_storage_is_asked_again(look: Look) -> None:
    look.storage.fail("/repos/", Fault(503), times=2)
    assert FILE not in look.gaps()


def test_a_proxy_of_the_environment_resolves_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind one, the machine itself often cannot; it then gets the name, and no address."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    hub = httpx.URL("https://huggingface.co/")
    hop = FileHosts(["*.hf.co"], "file_hosts").hop(hub, hub, "https://cdn.hf.co/x", 1)
    assert (str(hop.connected), hop.own) == ("https://cdn.hf.co/x", False)
