"""Ed25519 keys that sign manifests and decisions, in PEM."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

MANIFEST = b"compline manifest\n"
DECISION = b"compline gate decision\n"
"""In front of the digest under a signature: it is good for nothing else."""


class SigningKeyUnusable(Exception):
    """Not an Ed25519 key in PEM; the message holds nothing of it."""


class Signer:
    """A private key that signs manifests and decisions."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = raw.hex()
        """The public key, in hexadecimal."""

    @classmethod
    def from_pem(cls, pem: str) -> Signer:
        """Reads a private key.

        Raises:
            SigningKeyUnusable: it is none, or has a passphrase.
        """
        try:
            # One line in an environment variable is how many secret stores hand out a file.
            key = load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
        except (ValueError, TypeError) as error:
            raise SigningKeyUnusable(_MAKE_ONE) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningKeyUnusable(_MAKE_ONE)
        return cls(key)

    def sign(self, digest: str, purpose: bytes = MANIFEST) -> str:
        """The signature over a digest, in hexadecimal."""
        return self._key.sign(purpose + digest.encode()).hex()


_MAKE_ONE = (
    "`evidence.signing_key` leads to no Ed25519 private key in PEM without a passphrase: "
    "make one with `compline evidence keygen`"
)


def new_key() -> tuple[str, str]:
    """A new key pair in PEM: private, public."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def public_of(pem: str) -> str:
    """The public key of a PEM file, in hexadecimal.

    Raises:
        SigningKeyUnusable: it is none.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError) as error:
        raise SigningKeyUnusable("it is no Ed25519 public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyUnusable("it is no Ed25519 public key in PEM")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def fingerprint(public: str) -> str:
    """A short name of a public key, for people."""
    return "ed25519:" + hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def holds(digest: str, signature: str, public: str, purpose: bytes = MANIFEST) -> bool:
    """Whether a signature over a digest is the key's and for this; both in hexadecimal."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), purpose + digest.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
