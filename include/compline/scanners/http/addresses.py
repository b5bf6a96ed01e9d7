"""Where a host is: asked of the name servers once, held against the rules, and kept."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from compline.source.address import embedded, is_public

_METADATA = frozenset(
    {
        "169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254",
        "fd20:ce::254",
    }
)  # fmt: skip
"""Where clouds hand credentials to whoever asks from inside."""
_CONNECT_SECONDS = 5.0


class NoPlace(Exception):
    """The endpoint's address is none, is refused, or nothing listens there; without secrets."""


@dataclass(frozen=True)
class Place:
    """A service at one address, which all that is asked of it goes to."""

    scheme: str
    host: str
    """As the configuration names it: for the Host header, SNI and the certificate."""
    port: int
    path: str
    """Of the base, without a trailing slash."""
    address: str
    """What the name servers said, the first time."""

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port as in a URL."""
        return f"{self.scheme}://{self.authority}"

    @property
    def connected(self) -> str:
        """Scheme, address and port as in a URL: where connections really go."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{address}:{self.port}"

    @property
    def inside(self) -> bool:
        """Whether what is sent there stays in the organisation's own networks."""
        return not is_public(self.address)

    def plain(self, port: int) -> Place:
        """The same host and address, spoken to without TLS."""
        return replace(self, scheme="http", port=port, path="")

    def resolved(self, path: str) -> str:
        """A path of ours on the host: one without a leading slash is below the base."""
        return path if path.startswith("/") else f"{self.path}/{path}" if path else self.path or "/"


def find(url: str, private: Sequence[str] = (), setting: str = "private_hosts") -> Place:
    """The endpoint's place: the first of its addresses that takes a connection.

    Args:
        url: http(s), as the configuration gives it.
        private: host names, addresses and networks that may be private.
        setting: of the configuration, which lists those.

    Raises:
        NoPlace: no such host, an address that is refused, or no connection.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    addresses = _addresses(host)
    for address in addresses:
        check(host, address, private, setting)
    problem = ""
    for address in addresses:
        try:
            socket.create_connection((address, port), timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            problem = error.strerror or type(error).__name__
        else:
            return Place(parts.scheme, host, port, parts.path.rstrip("/"), address)
    raise NoPlace(f"no connection to {host} port {port} ({problem}): is it up, and reachable here?")


def check(host: str, address: str, private: Sequence[str], setting: str = "private_hosts") -> None:
    """Whether the address may be spoken to under this name.

    Raises:
        NoPlace: it is private, link-local or a cloud's metadata service, and not listed.
    """
    ip = ipaddress.ip_address(address)
    named = {entry.lower() for entry in private}
    if _is_dangerous(ip) or _is_dangerous(embedded(ip)):
        if any(_as_address(entry) == ip for entry in named):
            return
        raise NoPlace(
            f"{host} is at {address}, a link-local, metadata or unusable address: it is only asked "
            f"where `{setting}:` lists that very address"
        )
    if is_public(address):
        return
    networks = [network for entry in named if (network := _as_network(entry)) is not None]
    if host.lower() in named or any(ip in network for network in networks):
        return
    raise NoPlace(
        f"{host} is at the private address {address}: list the host or the address under "
        f"`{setting}:` to allow it"
    )


def _is_dangerous(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is nobody's, a cloud's metadata service, or link-local, where most of them are."""
    return ip.is_unspecified or ip.is_multicast or str(ip) in _METADATA or ip.is_link_local


def _as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _as_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _addresses(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoPlace(f"{host} cannot be resolved: {error}") from None
    return list(dict.fromkeys(str(entry[4][0]).split("%", maxsplit=1)[0] for entry in found))
