"""Servers that speak nothing but TLS, well or badly, and chains of certificates of all sorts."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from endpoints import listening

Key = rsa.RSAPrivateKey
_TEXT = serialization.Encoding.PEM


class Chain:
    """A root, two authorities below it, and a certificate for a host."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder = folder
        self.root = self._made("Root of the tests", None, ca=True)
        self.upper = self._made("Upper authority", self.root, ca=True)
        self.lower = self._made("Lower authority", self.upper, ca=True)
        self.leaf = self._made(host, self.lower, ca=False)
        self.trusted = folder / "root.pem"
        self.trusted.write_bytes(self.root[0].public_bytes(_TEXT))
        self.key = folder / "leaf.key"
        self.key.write_bytes(
            self.leaf[1].private_bytes(
                _TEXT, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def sent(self, name: str, *parts: tuple[x509.Certificate, Key]) -> tuple[Path, Path]:
        """Certificate file and key of a server that sends these, in this order."""
        path = self.folder / f"{name}.pem"
        path.write_bytes(b"".join(part[0].public_bytes(_TEXT) for part in parts))
        return path, self.key

    @staticmethod
    def _made(
        name: str, issuer: tuple[x509.Certificate, Key] | None, *, ca: bool
    ) -> tuple[x509.Certificate, Key]:
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer[1] if issuer else key
        now = datetime.now(UTC)
        usage = dict.fromkeys(
            (
                *("content_commitment", "data_encipherment", "key_agreement"),
                *("encipher_only", "decipher_only"),
            ),
            False,
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer[0].subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=90))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    key_encipherment=not ca,
                    **usage,
                ),
                critical=True,
            )
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        if not ca:
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            made = made.add_extension(names, critical=False)
            server = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH])
            made = made.add_extension(server, critical=False)
        return made.sign(signer, hashes.SHA256()), key


def signed_with_sha1(chain: Chain, host: str) -> tuple[Path, Path]:
    """A certificate of the root's with SHA-1, which only OpenSSL's own program still makes."""
    folder = chain.folder
    (folder / "root.key").write_bytes(
        chain.root[1].private_bytes(
            _TEXT, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
    request, made = folder / "sha1.csr", folder / "sha1.pem"
    _openssl("req", "-new", "-key", chain.key, "-subj", f"/CN={host}", "-out", request)
    _openssl(
        *("x509", "-req", "-sha1", "-days", "90", "-in", request, "-out", made),
        *("-CA", chain.trusted, "-CAkey", folder / "root.key", "-extfile", folder / "names"),
    )
    return made, chain.key


def _openssl(*words: str | Path) -> None:
    subprocess.run([_program(), *words], check=True, capture_output=True, timeout=60)


def _program() -> str:
    found = shutil.which("openssl")
    assert found, "the tests need the program openssl"
    return found


@contextmanager
def handshaking(
    certificate: tuple[Path, Path],
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=0",
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    options: int = 0,
) -> Iterator[int]:
    """The port of a server that makes handshakes, many at a time, and says nothing.

    OpenSSL's own `s_server` takes one connection after the other, on which sslyze gives up.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = least, most
    context.options |= options
    context.load_cert_chain(*certificate)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            while wrapped.recv(4096):
                pass

    with listening(answer) as port:
        yield port
