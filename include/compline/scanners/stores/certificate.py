"""What a TLS handshake tells, as rows: the certificate's validity, key and name. Pure."""

from __future__ import annotations

import ipaddress
from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

from compline.scanners.stores.tls import Handshake

COLUMNS = (
    "host", "subject", "issuer", "not_before", "not_after", "days_left", "state", "key",
    "strong", "names_host", "version", "cipher",
)  # fmt: skip

_WEAK_HASHES = frozenset({"md5", "sha1"})


def certificates(handshakes: Iterable[Handshake], now: datetime) -> list[dict[str, Any]]:
    """One row per server that showed a certificate; `days_left` is negative when it is expired.

    Raises:
        ValueError: a certificate that is none.
    """
    return [_row(shown, now) for shown in handshakes if shown.certificate]


def _row(shown: Handshake, now: datetime) -> dict[str, Any]:
    certificate = x509.load_der_x509_certificate(shown.certificate)
    before, after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    state = "expired" if after < now else "not yet valid" if before > now else "valid"
    key, strong = _key(certificate)
    return {
        "host": shown.host,
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "not_before": before.date().isoformat(),
        "not_after": after.date().isoformat(),
        "days_left": (after - now).days,
        "state": state,
        "key": key,
        "strong": strong,
        "names_host": _names(certificate, shown.host),
        "version": shown.version,
        "cipher": shown.cipher,
    }


def _key(certificate: x509.Certificate) -> tuple[str, bool]:
    """The key and the signature's hash as text, and whether both are still held to be strong."""
    key = certificate.public_key()
    hash_ = certificate.signature_hash_algorithm
    name = hash_.name if hash_ else "built-in hash"
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        kind = "RSA" if isinstance(key, rsa.RSAPublicKey) else "DSA"
        text, strong = f"{kind} {key.key_size}", kind == "RSA" and key.key_size >= 2048
    elif isinstance(key, ec.EllipticCurvePublicKey):
        text, strong = f"EC {key.key_size}", key.key_size >= 224
    else:
        edwards = isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)
        text, strong = type(key).__name__.removesuffix("PublicKey"), edwards
    return f"{text}, {name}", strong and name not in _WEAK_HASHES


def _names(certificate: x509.Certificate, host: str) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        # libpq too reads the common name where there are no alternative names.
        subject = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return any(_fits(str(name.value), host) for name in subject)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(_fits(name, host) for name in names.get_values_for_type(x509.DNSName))
    return address in names.get_values_for_type(x509.IPAddress)


def _fits(pattern: str, host: str) -> bool:
    """A wildcard stands for one whole label, the first (RFC 6125)."""
    pattern, host = pattern.lower(), host.lower()
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:]
    return pattern == host


def recorded(handshakes: Iterable[Mapping[str, str]]) -> tuple[Handshake, ...]:
    """Handshakes of recorded answers: `host`, and the `certificate` in base64."""
    return tuple(Handshake(h["host"], b64decode(h["certificate"])) for h in handshakes)
