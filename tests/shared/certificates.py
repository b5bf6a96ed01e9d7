"""Certificates for services of the tests."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def write_certificate(
    folder: Path,
    before: datetime = datetime(2025, 12, 1, tzinfo=UTC),
    after: datetime = datetime(2099, 1, 1, tzinfo=UTC),
    host: str = "127.0.0.1",
    rsa_bits: int = 0,
) -> None:
    """A self-signed certificate and its key; looks of the tests are of 1 January 2026.

    The key is of RSA where `rsa_bits` are given, else of an elliptic curve.
    """
    key = (
        rsa.generate_private_key(65537, rsa_bits)
        if rsa_bits
        else ec.generate_private_key(ec.SECP256R1())
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(before)
        .not_valid_after(after)
        .add_extension(addresses, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def lax_openssl(folder: Path, red_hat: bool = False) -> dict[str, str]:
    """An environment in which OpenSSL shows weak keys and speaks TLS 1.1, which it refuses itself.

    Red Hat's build also refuses SHA-1, without which there is no TLS before 1.2; others know no
    such option, and would heed none of the file.
    """
    path = folder / "openssl.cnf"
    sha1 = "alg_section = sha1\n[sha1]\nrh-allow-sha1-signatures = yes\n" if red_hat else ""
    path.write_text(
        f"openssl_conf = start\n[start]\nssl_conf = ssl\n{sha1}[ssl]\nsystem_default = lax\n"
        "[lax]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n"
    )
    return {**os.environ, "OPENSSL_CONF": str(path)}
