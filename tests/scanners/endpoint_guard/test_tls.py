"""Each weakness of TLS by itself, against real servers, through sslyze and the suite.

What OpenSSL 3 cannot serve any more has recorded answers only (canary.json): SSL 2 and 3, RC4,
3DES, export suites, compression.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from ssl import TLSVersion
from typing import Any

import pytest
from endpoints import HOST, Authority
from flawed_tls import flawed
from tls_servers import Chain, handshaking, signed_with_sha1

from compline.scanners.endpoints import tls
from compline.scanners.endpoints.answers import Answers
from compline.scanners.endpoints.frames import Allowed, inventory_of
from compline.scanners.expectations.findings import hold_against
from compline.scanners.expectations.policy import bind
from compline.scanners.expectations.suite_file import built_in
from compline.scanners.http.addresses import Place

Judged = Callable[..., set[tuple[str, str]]]
RSA, EC = "tls/certificate/RSA", "tls/certificate/EC"
_ALLOW_CLIENT_RENEGOTIATION = 1 << 8
"""Of OpenSSL 3, which refuses it otherwise; Python has no name for it."""


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"), HOST)


@pytest.fixture
def judged(tools: Any) -> Judged:
    """(rule, resource) of what is wrong with the TLS of a port, and no gap beside it."""
    tool = tools("sslyze").get("sslyze")

    def judge(port: int, ca: Path | None) -> set[tuple[str, str]]:
        result, _ = tls.scan(tool, Place("https", HOST, port, "", "127.0.0.1"), ca, 60, 2000, 50)
        answers = Answers("https", HOST, "GET /", tls=result)
        inventory = inventory_of(answers, Allowed(), datetime.now(UTC))
        assert [gap for gap in inventory.gaps if gap.path.startswith("tls/")] == []
        verdict = hold_against(bind(built_in("endpoint"), {}), inventory, "endpoint-guard")
        return {(one.rule, one.subject) for one in verdict.observations}

    return judge


def test_a_whole_chain_and_modern_suites_are_clean(judged: Judged, chain: Chain) -> None:
    with handshaking(chain.sent("whole", chain.leaf, chain.lower, chain.upper)) as port:
        assert judged(port, chain.trusted) == set()
        unknown = {("certificate-not-trusted", RSA)}
        assert judged(port, None) == unknown, "an authority that nobody knows"


def test_a_chain_with_a_hole(judged: Judged, chain: Chain) -> None:
    with handshaking(chain.sent("alone", chain.leaf)) as port:
        assert judged(port, chain.trusted) == {("certificate-not-trusted", RSA)}


def test_a_chain_in_disorder(judged: Judged, chain: Chain) -> None:
    with handshaking(chain.sent("disorder", chain.leaf, chain.upper, chain.lower)) as port:
        assert ("certificate-chain-in-disorder", RSA) in judged(port, chain.trusted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"days": -2}, {("certificate-out-of-time", EC)}),
        ({"host": "other.test"}, {("certificate-of-another-host", EC)}),
        ({"host": "*.test"}, {("certificate-of-another-host", EC)}),
        ({"self_signed": True}, {("certificate-not-trusted", EC)}),
        ({"bits": 1024}, {("weak-certificate-key", RSA)}),
    ],
)
def test_certificates(
    judged: Judged, authority: Authority, given: dict[str, Any], wanted: set[tuple[str, str]]
) -> None:
    kind = "tls-" + "-".join(given)
    with handshaking(authority.issue(kind, **given)) as port:
        assert judged(port, authority.path) == wanted


def test_a_signature_with_sha1(judged: Judged, chain: Chain) -> None:
    with handshaking(signed_with_sha1(chain, HOST)) as port:
        assert ("weak-certificate-signature", RSA) in judged(port, chain.trusted)


def test_flaws_of_old_libraries(judged: Judged, authority: Authority) -> None:
    with flawed(authority.issue("flawed", bits=2048)) as port:
        assert judged(port, authority.path) == {
            ("tls-flaw", "tls/flaw/Heartbleed"),
            ("tls-flaw", "tls/flaw/CCS injection"),
            ("tls-flaw", "tls/flaw/ROBOT"),
            ("no-forward-secrecy", "tls/cipher/TLS 1.2/no forward secrecy"),
        }


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ({"least": TLSVersion.TLSv1_3}, set()),
        (
            {
                "ciphers": "ECDHE+AES:@SECLEVEL=0",
                "least": TLSVersion.TLSv1,
                "most": TLSVersion.TLSv1_1,
            },
            {
                ("old-tls-version", "tls/version/TLS 1.0"),
                ("old-tls-version", "tls/version/TLS 1.1"),
            },
        ),
        (
            {"ciphers": "NULL-SHA256:ECDHE+AESGCM:@SECLEVEL=0", "most": TLSVersion.TLSv1_2},
            {("weak-tls-cipher", "tls/cipher/TLS 1.2/no encryption")},
        ),
        (
            {"ciphers": "AECDH:ECDHE+AESGCM:@SECLEVEL=0", "most": TLSVersion.TLSv1_2},
            {("weak-tls-cipher", "tls/cipher/TLS 1.2/no authentication")},
        ),
        (
            {"ciphers": "AES128-GCM-SHA256", "most": TLSVersion.TLSv1_2},
            {("no-forward-secrecy", "tls/cipher/TLS 1.2/no forward secrecy")},
        ),
        (
            {"most": TLSVersion.TLSv1_2, "options": _ALLOW_CLIENT_RENEGOTIATION},
            {("tls-weakness", "tls/flaw/renegotiation by clients")},
        ),
    ],
)
def test_versions_suites_and_renegotiation(
    judged: Judged, authority: Authority, how: dict[str, Any], wanted: set[tuple[str, str]]
) -> None:
    with handshaking(authority.issue("versions", bits=2048), **how) as port:
        assert judged(port, authority.path) == wanted
