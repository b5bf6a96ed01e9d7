"""What the trigger form may ask for; checked on the server, whatever the form offered."""

import pytest

from compline.config.schema import AdHoc, Config
from compline.model import Severity
from compline.pipeline.adhoc import check_allowed, request_from_form
from compline.pipeline.request import BadRequest, Request, select_targets

CONFIG = Config.model_validate(
    {
        "organisation": "acme",
        "targets": {
            "repositories": [{"name": "web", "url": "https://git.example.org/web"}],
            "images": [{"name": "base", "reference": "registry.example.org/base:1"}],
        },
        "adhoc": {"allow": ["https://git.example.org/*", "registry.example.org/*"]},
        "scanners": {"bandit": {"enabled": False}},
    }
)


def refusal(**form: object) -> str:
    with pytest.raises(BadRequest) as caught:
        request_from_form(CONFIG, form)
    return str(caught.value)


def test_an_empty_form_is_the_whole_organisation() -> None:
    request = request_from_form(CONFIG, {"targets": [], "other": None, "scanners": None})
    assert request.tracked
    assert request.fail_at is Severity.HIGH
    assert [target.name for target in select_targets(CONFIG, request)] == ["web", "base"]


def test_what_the_form_does_not_have_is_refused() -> None:
    assert "unknown field nonsense" in refusal(nonsense=1)
    assert "no target named x" in refusal(targets=["x"])
    assert "no scanner named x" in refusal(scanners=["x"])
    assert "bandit is disabled" in refusal(scanners=["bandit"])
    assert "fail_at must be one of" in refusal(fail_at="hihg")
    assert "must be a list of names" in refusal(targets="web")
    assert "must be text" in refusal(revision=1)
    assert "revision must be" in refusal(targets=["web"], revision="--upload-pack=x")
    assert "repositories only, not base" in refusal(targets=["base"], revision="main")
    assert "not both" in refusal(targets=["web"], other="https://git.example.org/x")


def test_a_revision_is_not_the_tracked_look() -> None:
    request = request_from_form(CONFIG, {"targets": ["web"], "revision": "feature"})
    assert not request.tracked
    assert type(request).from_json(request.as_json()) == request


@pytest.mark.parametrize(
    ("locator", "reason"),
    [
        ("https://elsewhere.example.org/x", "matches no pattern"),
        ("https://git.example.org/a b", "white space"),
        ("--upload-pack=evil", "begins with a dash"),
        ("file:///etc", "matches no pattern"),
        ("https://evil.example/git.example.org/x", "matches no pattern"),
        ("https://evil.example/x.other.example.org/x", "matches no pattern"),
        ("http://git.example.org/x", "matches no pattern"),
        ("registry.example.org.evil.example/x", "matches no pattern"),
    ],
)
def test_addresses_that_nobody_allowed(locator: str, reason: str) -> None:
    rules = AdHoc(allow=[*CONFIG.adhoc.allow, "https://*.other.example.org/*"])
    with pytest.raises(BadRequest, match=reason):
        check_allowed(rules, locator, lambda _host: ["93.184.215.14"])


@pytest.mark.parametrize(
    ("locator", "pattern"),
    [
        ("https://git.example.org/team/x.git", "https://git.example.org/team/*"),
        ("https://a.example.org/x", "https://*.example.org/*"),
        ("https://a.example.org:8443/x", "https://*"),
        ("ssh://git@git.example.org/x", "ssh://git@git.example.org/*"),
        ("registry.example.org/team/x:1", "registry.example.org/*"),
        ("alpine:3", "alpine:*"),
        ("https://git.example.org/x", "*"),
    ],
)
def test_patterns(locator: str, pattern: str) -> None:
    check_allowed(AdHoc(allow=[pattern]), locator, lambda _host: ["93.184.215.14"])


def test_files_of_the_worker_are_only_scanned_where_a_pattern_says_file() -> None:
    with pytest.raises(BadRequest, match="matches no pattern"):
        check_allowed(AdHoc(allow=["*"]), "file:///srv/other-team.git")
    check_allowed(AdHoc(allow=["file:///srv/*"]), "file:///srv/other-team.git")


@pytest.mark.parametrize(
    "locator", ["https://[::1/x", "https://h.example.org:99999/x", "https://a..b/x", "https:///x"]
)
def test_what_is_no_address_is_refused_with_a_reason(locator: str) -> None:
    with pytest.raises(BadRequest, match=r"not an address|cannot be resolved"):
        check_allowed(AdHoc(allow=["*"]), locator)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::ffff:10.0.0.1",
        "224.0.0.1",
        "ff02::1",
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "100.64.0.1",
    ],
)
def test_private_addresses_are_refused_unless_listed(address: str) -> None:
    rules = AdHoc(allow=["https://*", "registry.*"])
    for locator in ("https://git.example.org/x", "registry.example.org/x:1"):
        with pytest.raises(BadRequest, match="private address"):
            check_allowed(rules, locator, lambda _host: [address])
    listed = AdHoc(allow=["https://*"], private_hosts=["git.example.org"])
    check_allowed(listed, "https://git.example.org/x", lambda _host: [address])


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    rules = AdHoc(allow=["https://*"])
    with pytest.raises(BadRequest, match="private address"):
        check_allowed(rules, "https://h.example.org/x", lambda _h: ["93.184.215.14", "10.0.0.1"])


def test_credentials_in_an_address_are_refused() -> None:
    rules = AdHoc(allow=["*"])
    with pytest.raises(BadRequest, match="credential"):
        check_allowed(rules, "https://u:p@git.example.org/x", lambda _h: ["93.184.215.14"])
    check_allowed(rules, "ssh://git@git.example.org/x", lambda _h: ["93.184.215.14"])


def test_public_addresses_that_match_are_allowed() -> None:
    check_allowed(CONFIG.adhoc, "https://git.example.org/x", lambda _h: ["93.184.215.14"])
    request = Request(other="registry.example.org/other:2")
    [target] = select_targets(CONFIG, request)
    assert target.locator == "docker://registry.example.org/other:2"
