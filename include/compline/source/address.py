"""Which addresses of repositories are accepted, and which parts of them reach git or ssh."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from compline.source.errors import SourceError

SCHEMES = ("file", "http", "https", "ssh")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_SCP_LIKE = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?P<path>[^:]*)")
_LONGEST = 2048
"""Characters; also what most servers accept."""
_LAST_32_BITS = tuple(
    ipaddress.IPv6Network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")
)
"""Networks whose last 32 bits are an IPv4 address: NAT64 (RFC 6052, RFC 8215), SIIT (RFC 2765),
and what RFC 4291 section 2.5.5.1 calls IPv4-compatible."""


@dataclass(frozen=True, slots=True)
class Address:
    """A repository's URL in parts, every one of them checked."""

    url: str
    scheme: str
    host: str
    """Empty for file."""
    origin: str
    """scheme://host[:port] for http and https, what a credential is bound to; else empty."""
    path: str

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there never leaves the machine."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this very machine, without asking any name server."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_public(text: str) -> bool:
    """Whether an address, or the one inside it that a gateway would reach, is out in the world.

    Raises:
        ValueError: the text is no address.
    """
    address = ipaddress.ip_address(text)
    inner = embedded(address)
    if inner != address:
        return is_public(str(inner))
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not site_local


def embedded(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that a gateway would take out of an IPv6 one; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if inner := address.ipv4_mapped or address.sixtofour:
        return inner
    if any(address in network for network in _LAST_32_BITS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def parse_address(url: str) -> Address:
    """Checks a repository's URL.

    Raises:
        SourceError: not a URL that is accepted; says what to write instead.
    """
    if not url or len(url) > _LONGEST or not url.isprintable() or not url.isascii() or " " in url:
        raise SourceError(
            "a repository's URL must be printable ASCII without spaces, at most "
            f"{_LONGEST} characters (percent-encode what is not): {_shown(ascii(url[:200]))}"
        )
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise SourceError(_what_instead(url))
    if re.search(r"%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[fF]|\\", rest):
        raise SourceError(f"{_shown(url)}: broken or hidden characters (%00-%1F, \\) are refused")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError(f"{_shown(url)} is not a URL: {error}") from error
    _check_path(url, parts.path)
    if scheme == "file":
        if parts.netloc:
            raise SourceError(f"{_shown(url)}: write file:/// and an absolute path on this host")
        return Address(url, scheme, "", "", parts.path)
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise SourceError(f"{_shown(url)}: `?` and `#` have no meaning in a repository's URL")
    host = _checked_host(url, parts.hostname or "")
    _check_user(url, scheme, parts.netloc)
    if scheme == "ssh":
        return Address(url, scheme, host, "", parts.path)
    origin = f"{scheme}://{host}" + (f":{port}" if port else "")
    return Address(url, scheme, host, origin, parts.path)


def _check_path(url: str, path: str) -> None:
    components = unquote(path).split("/")[1:]
    if not path.startswith("/") or not any(components):
        raise SourceError(f"{_shown(url)}: the path of the repository is missing")
    if ".." in components or "." in components:
        # A pattern such as https://host/team/* must not be left through `..`.
        raise SourceError(f"{_shown(url)}: `.` and `..` in the path are refused; write it out")
    if any(component.startswith("-") for component in components[:1]):
        raise SourceError(f"{_shown(url)}: a path that starts with `-` is refused")


def _checked_host(url: str, host: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError as error:
            raise SourceError(f"{_shown(url)}: {error}") from error
    if not _HOST.fullmatch(host):
        raise SourceError(f"{_shown(url)}: {host!r} is not a host name")
    return host


def _check_user(url: str, scheme: str, netloc: str) -> None:
    user, at, _ = netloc.rpartition("@")
    if not at:
        return
    if scheme != "ssh" or ":" in user:
        raise SourceError(
            f"{_shown(url)}: a credential in a URL is refused: use `credential: env:NAME`"
        )
    if not _USER.fullmatch(user):
        raise SourceError(f"{_shown(url)}: {user!r} is not a user name for ssh")


def _what_instead(url: str) -> str:
    shown = _shown(url)
    if "://" not in url and "::" not in url:
        if scp := _SCP_LIKE.fullmatch(url):
            user = f"{scp['user']}@" if scp["user"] else ""
            return f"{shown}: write ssh://{user}{scp['host']}/{scp['path'].lstrip('/')}"
        if url.startswith("/"):
            return f"{shown}: write file://{url}"
    return f"{shown}: only {', '.join(SCHEMES)} URLs are accepted"


def _shown(url: str) -> str:
    """The URL for a message: without anything that might be a credential."""
    if re.match(r"ssh://[^:/@]*@", url):
        return url
    return re.sub(r"//[^/]*@", "//***@", url)
