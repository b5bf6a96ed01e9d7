"""Which URLs are let through to git and ssh."""

from __future__ import annotations

import pytest

from compline.source.address import is_loopback, parse_address
from compline.source.errors import SourceError


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("file:///srv/git/app.git", "", ""),
        ("https://git.example.org/team/app.git", "git.example.org", "https://git.example.org"),
        ("https://git.example.org:8443/a", "git.example.org", "https://git.example.org:8443"),
        ("http://[::1]:3000/a", "[::1]", "http://[::1]:3000"),
        ("ssh://git@git.example.org:2222/team/app.git", "git.example.org", ""),
        (
            "https://git.example.org/with%20space/a~b+c",
            "git.example.org",
            "https://git.example.org",
        ),
    ],
)
def test_ordinary_addresses(url: str, host: str, origin: str) -> None:
    address = parse_address(url)
    assert (address.url, address.host, address.origin) == (url, host, origin)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ext::sh -c touch% /tmp/x", "without spaces"),
        ("ext::sh", "only file, http, https, ssh"),
        ("fd::17", "only file, http, https, ssh"),
        ("git://example.org/a", "only file, http, https, ssh"),
        ("ftp://example.org/a", "only file, http, https, ssh"),
        ("HTTPS://example.org/a", "only file, http, https, ssh"),
        ("-uhttps://example.org/a", "only file, http, https, ssh"),
        ("--upload-pack=touch", "only file, http, https, ssh"),
        ("git@example.org:team/app.git", "write ssh://git@example.org/team/app.git"),
        ("/srv/git/app", "write file:///srv/git/app"),
        ("", "printable ASCII"),
        ("https://example.org/a\nb", "printable ASCII"),
        ("https://example.org/a\x00b", "printable ASCII"),
        ("https://example.org/ä", "printable ASCII"),
        ("https://example.org/" + "a" * 3000, "printable ASCII"),
        ("https://example.org/a%0ab", "broken or hidden"),
        ("https://example.org/a%0", "broken or hidden"),
        ("https://example.org\\@evil.example/a", "broken or hidden"),
        ("https://user:secret@example.org/a", "a credential in a URL is refused"),
        ("https://secret@example.org/a", "a credential in a URL is refused"),
        ("ssh://git:secret@example.org/a", "a credential in a URL is refused"),
        ("ssh://-oProxyCommand=touch/a", "not a host name"),
        ("ssh://-l@example.org/a", "not a user name"),
        ("ssh://example.org/-oProxyCommand=touch", "starts with `-`"),
        ("https:///a", "not a host name"),
        ("https://example.org", "path of the repository is missing"),
        ("https://example.org/", "path of the repository is missing"),
        ("https://example.org/team/../other", "`.` and `..`"),
        ("https://example.org/team/%2e%2E/other", "`.` and `..`"),
        ("file:///srv/../etc", "`.` and `..`"),
        ("file://host/srv/git", "file:/// and an absolute path"),
        ("https://example.org/a?token=x", "have no meaning"),
        ("https://example.org/a#x", "have no meaning"),
        ("https://example.org:99999/a", "not a URL"),
        ("https://[::g]/a", "not a URL|does not appear|Invalid"),
    ],
)
def test_refused_addresses(url: str, says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_loopback_is_told_without_a_name_server() -> None:
    assert is_loopback("localhost")
    assert is_loopback("127.8.8.8")
    assert is_loopback("[::1]")
    assert not is_loopback("localhost.example.org")
    assert not is_loopback("10.0.0.1")
