"""Which addresses are asked, and that they stay the same for a whole look."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from endpoints import HOST, Served

from compline.scanners.http import addresses
from compline.scanners.http.addresses import NoPlace, check, find


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.0.5", []),
        ("127.0.0.1", []),
        ("::1", []),
        ("192.168.1.1", ["10.0.0.0/8"]),
        ("fd00::1", []),
        ("::ffff:10.0.0.5", []),
        ("64:ff9b::a00:5", []),
        ("64:ff9b:1::a00:5", []),
        ("2002:a00:5::1", []),
        ("::a00:5", []),
        ("::ffff:0:10.0.0.5", []),
        ("fec0::1", []),
        ("100.64.0.1", []),
        ("0.0.0.0", [HOST]),
        ("::", [HOST]),
        ("::ffff:0.0.0.0", [HOST]),
        ("255.255.255.255", []),
        ("ff02::1", [HOST]),
        ("169.254.169.254", [HOST]),
        ("169.254.169.254", ["169.254.0.0/16"]),
        ("::ffff:169.254.169.254", [HOST]),
        ("64:ff9b::169.254.169.254", [HOST]),
        ("64:ff9b:1::169.254.169.254", [HOST]),
        ("2002:a9fe:a9fe::1", [HOST]),
        ("::169.254.169.254", [HOST]),
        ("::ffff:0:169.254.169.254", [HOST]),
        ("fe80::1", [HOST]),
        ("100.100.100.200", [HOST]),
        ("168.63.129.16", []),
        ("192.0.0.192", [HOST]),
        ("fd00:ec2::254", [HOST]),
    ],
)
def test_addresses_inside_are_refused(address: str, private: list[str]) -> None:
    with pytest.raises(NoPlace, match="private_hosts"):
        check(HOST, address, private)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("93.184.216.34", []),
        ("2606:2800:220:1::1", []),
        ("10.0.0.5", [HOST]),
        ("10.0.0.5", [HOST.upper()]),
        ("10.0.0.5", ["10.0.0.5"]),
        ("10.0.0.5", ["10.0.0.0/8"]),
        ("169.254.169.254", ["169.254.169.254"]),
    ],
)
def test_what_is_listed_is_asked(address: str, private: list[str]) -> None:
    check(HOST, address, private)


def test_one_bad_address_among_good_ones_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(2, 1, 6, "", ("93.184.216.34", 0)), (2, 1, 6, "", ("169.254.169.254", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: both)
    with pytest.raises(NoPlace, match="metadata"):
        find(f"https://{HOST}", [])


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0", "[::ffff:127.0.0.1]"]
)
def test_other_ways_to_write_an_address_are_the_address(host: str, good: Served) -> None:
    """The operating system takes all of them for this machine."""
    before = len(good.requests)
    with pytest.raises(NoPlace, match=r"at the private address (::ffff:)?127\.0\.0\.1|0\.0\.0\.0"):
        find(f"https://{host}:{good.port}", ["scoring.example.org"])
    assert len(good.requests) == before


def test_the_first_of_two_addresses_that_answers_is_kept(
    good: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "_addresses", lambda _host: ["127.0.0.2", "127.0.0.1"])
    place = find(f"https://{HOST}:{good.port}", [HOST])
    assert (place.host, place.address) == (HOST, "127.0.0.1"), "nobody listens at the other"


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(NoPlace, match="cannot be resolved"):
        find("https://no-such-host.invalid")


def test_a_private_endpoint_is_refused_unless_listed(
    look_at: Any, error_of: Any, good: Served
) -> None:
    before = len(good.requests)
    error = error_of(look_at(good.port, private_hosts=[]))
    assert f"{HOST} is at the private address 127.0.0.1" in error
    assert len(good.requests) == before


def test_a_name_server_that_changes_its_answer_is_asked_once(
    look_at: Any, good: Served, resolves: Any
) -> None:
    """Anything that asked again would be led to the metadata service."""
    asked = resolves("127.0.0.1")

    look = look_at(good.port, addresses=("127.0.0.1", "169.254.169.254"))

    assert asked == [HOST]
    assert look.outcome.observations == ()
    assert look.outcome.gaps == (), "sslyze too was given the address, and sent the name"
