"""Cases for rules/python/cryptography.yaml; read by semgrep --test, never run."""

import os

import jwt
from Crypto.Cipher import AES, ARC4, DES3
from Crypto.PublicKey import RSA
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jose import jwt as jose_jwt


def broken(key, iv):
    # ruleid: py-broken-cipher
    DES3.new(key, DES3.MODE_CBC, iv)
    # ruleid: py-broken-cipher
    ARC4.new(key)
    # ruleid: py-broken-cipher
    Cipher(algorithms.TripleDES(key), modes.CBC(iv))
    # ok: py-broken-cipher
    AES.new(key, AES.MODE_GCM)
    # ok: py-broken-cipher
    Cipher(algorithms.AES(key), modes.GCM(iv))


def block_by_block(key, iv):
    # ruleid: py-ecb-mode
    AES.new(key, AES.MODE_ECB)
    # ruleid: py-ecb-mode
    Cipher(algorithms.AES(key), modes.ECB())
    # ok: py-ecb-mode
    AES.new(key, AES.MODE_GCM, nonce=iv)
    # ok: py-ecb-mode
    Cipher(algorithms.AES(key), modes.CTR(iv))


def nonces(key, text):
    # ruleid: py-constant-nonce
    AES.new(key, AES.MODE_CBC, b"0000000000000000")
    # ruleid: py-constant-nonce
    Cipher(algorithms.AES(key), modes.CBC(b"\x00" * 16))
    # ruleid: py-constant-nonce
    AESGCM(key).encrypt(b"000000000000", text, None)
    # ok: py-constant-nonce
    AES.new(key, AES.MODE_CBC, os.urandom(16))
    # ok: py-constant-nonce
    AESGCM(key).encrypt(os.urandom(12), text, None)


def keys(key):
    # ruleid: py-hardcoded-encryption-key
    AES.new(b"not a real key..", AES.MODE_GCM)
    # ruleid: py-hardcoded-encryption-key
    Fernet("not a real key")
    # ok: py-hardcoded-encryption-key
    AES.new(key, AES.MODE_GCM)
    # ok: py-hardcoded-encryption-key
    Fernet(os.environ["KEY"])


def short_keys():
    # ruleid: py-short-asymmetric-key
    rsa.generate_private_key(public_exponent=65537, key_size=1024)
    # ruleid: py-short-asymmetric-key
    RSA.generate(1024)
    # ok: py-short-asymmetric-key
    rsa.generate_private_key(public_exponent=65537, key_size=3072)
    # ok: py-short-asymmetric-key
    RSA.generate(2048)


def curves():
    # ruleid: py-weak-elliptic-curve
    ec.generate_private_key(ec.SECP192R1())
    # ruleid: py-weak-elliptic-curve
    ec.generate_private_key(ec.SECT163K1)
    # ok: py-weak-elliptic-curve
    ec.generate_private_key(ec.SECP256R1())
    # ok: py-weak-elliptic-curve
    ec.generate_private_key(ec.SECP384R1())


def unverified(token, key):
    # ruleid: py-jwt-signature-not-verified
    jwt.decode(token, options={"verify_signature": False})
    # ruleid: py-jwt-signature-not-verified
    jwt.decode(token, key, verify=False)
    # ruleid: py-jwt-signature-not-verified
    jose_jwt.get_unverified_claims(token)
    # ok: py-jwt-signature-not-verified
    jwt.decode(token, key, algorithms=["RS256"])
    # ok: py-jwt-signature-not-verified
    jwt.decode(token, key, algorithms=["RS256"], options={"verify_signature": True})


def claims(token, key):
    # ruleid: py-jwt-claims-not-verified
    jwt.decode(token, key, algorithms=["RS256"], options={"verify_exp": False})
    # ruleid: py-jwt-claims-not-verified
    jose_jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
    # ok: py-jwt-claims-not-verified
    jwt.decode(token, key, algorithms=["RS256"], options={"require": ["exp"]})
    # ok: py-jwt-claims-not-verified
    jose_jwt.decode(token, key, algorithms=["RS256"], audience="shop")


def none(claims, token, key):
    # ruleid: py-jwt-algorithm-none
    jwt.encode(claims, None, algorithm="none")
    # ruleid: py-jwt-algorithm-none
    jwt.decode(token, key, algorithms=["HS256", "none"])
    # ok: py-jwt-algorithm-none
    jwt.encode(claims, key, algorithm="RS256")
    # ok: py-jwt-algorithm-none
    jwt.decode(token, key, algorithms=["HS256"])


def token_keys(claims, token, key):
    # ruleid: py-jwt-hardcoded-key
    jwt.encode(claims, "not-a-real-key", algorithm="HS256")
    # ruleid: py-jwt-hardcoded-key
    jwt.decode(token, "not-a-real-key", algorithms=["HS256"])
    # ok: py-jwt-hardcoded-key
    jwt.encode(claims, key, algorithm="HS256")
    # ok: py-jwt-hardcoded-key
    jwt.decode(token, key, algorithms=["HS256"])
