"""Where a service may send us for a file: to itself, or to hosts that the configuration lists.

A service must not lead us anywhere else, and nobody but itself gets its credential. A name is
asked of the name servers once, held against the rules for addresses, and then connected to at that
very address.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from compline.scanners.expectations.deadline import Over, waited
from compline.scanners.http.addresses import NoPlace, find
from compline.scanners.http.answers import NoAnswer
from compline.scanners.services import one_line
from compline.source.address import is_loopback

MOST = 3
"""Redirects of one file."""
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Hop:
    """Where to ask next."""

    url: httpx.URL
    """May be signed: its query is a secret."""
    address: str = ""
    """Of its host, to connect to; empty where the system or a proxy resolves the name."""
    own: bool = True
    """Whether that is the service itself."""

    @property
    def connected(self) -> httpx.URL:
        """Where the connection goes."""
        return self.url.copy_with(host=self.address) if self.address else self.url

    @property
    def extensions(self) -> Mapping[str, Any]:
        """Of httpx: for which name the certificate must be."""
        return {"sni_hostname": self.url.host} if self.address else {}

    def prepare(self, headers: httpx.Headers) -> None:
        """Makes headers of a request to the service those of one to this place."""
        if not self.own:
            headers.pop("Cookie", None)
        if self.address:
            headers["Host"] = self.url.netloc.decode("ascii")
            # A connection to an address serves one name: another may have another certificate.
            headers["Connection"] = "close"


class FileHosts:
    """Of one service; safe to use from several threads at once."""

    def __init__(self, hosts: Sequence[str], setting: str) -> None:
        """Asks nothing yet.

        Args:
            hosts: `HOST[:PORT]`, or `*.DOMAIN` for every name below it. One that is listed by its
                own name may have a private address.
            setting: of the configuration, which lists them.
        """
        self._hosts, self._setting = hosts, setting
        self._private = [each.partition(":")[0] for each in hosts if not each.startswith("*.")]
        self._known: dict[str, str | NoAnswer] = {}
        self._lock = threading.Lock()

    def hop(self, service: httpx.URL, asked: httpx.URL, location: str, seconds: float) -> Hop:
        """Where a redirect leads.

        Args:
            service: its base.
            asked: what answers with the redirect.
            location: as its header says.
            seconds: in which the place must be found.

        Raises:
            NoAnswer: nobody is asked there; without the query of the address.
        """
        try:
            url = asked.join(location)
        except (httpx.InvalidURL, ValueError):
            raise NoAnswer("it redirects to an address that is none") from None
        if origin(url) == origin(service) and not url.userinfo:
            return Hop(url)
        shown = one_line(_named(url), 100)
        if url.scheme != "https" and not (
            url.scheme == service.scheme == "http" and is_loopback(url.host)
        ):
            scheme = one_line(url.scheme, 10)
            raise NoAnswer(f"it redirects to {scheme}://{shown}: only https is followed")
        if url.userinfo or not any(_covers(each, url) for each in self._hosts):
            raise NoAnswer(
                f"its content is handed out by {shown}, which is not asked: list it under "
                f"`{self._setting}` if it may come from there"
            )
        # Where a proxy stands between, it resolves the names.
        proxied = bool({url.scheme, "all"} & getproxies().keys())
        if proxied and not proxy_bypass(url.host):
            return Hop(url, own=False)
        try:
            address = waited(max(0.0, seconds), lambda: self._address(url))
        except Over:
            raise NoAnswer(f"{shown} was not found in time, or takes no connections") from None
        return Hop(url, "" if proxied else address, own=False)

    def _address(self, url: httpx.URL) -> str:
        place = f"{url.scheme}://{url.netloc.decode('ascii')}"
        with self._lock:
            if place not in self._known:
                try:
                    self._known[place] = find(place, self._private, self._setting).address
                except NoPlace as error:
                    self._known[place] = NoAnswer(str(error))
            known = self._known[place]
        if isinstance(known, NoAnswer):
            raise NoAnswer(str(known))
        return known


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """What must be equal for two addresses to be of one service."""
    return url.scheme, url.host, url.port


def _named(url: httpx.URL) -> str:
    """Host, and the port where it is not the usual one."""
    return url.netloc.decode("ascii", "replace") or "nobody"


def _covers(entry: str, url: httpx.URL) -> bool:
    host, _, port = entry.lower().partition(":")
    usual = _PORTS.get(url.scheme)
    if (url.port or usual) != (int(port) if port else usual):
        return False
    return url.host.endswith(host[1:]) if host.startswith("*.") else url.host == host
