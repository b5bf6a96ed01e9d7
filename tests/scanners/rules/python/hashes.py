"""Cases for rules/python/hashes.yaml; read by semgrep --test, never run."""

import hashlib
import hmac
import random
import secrets
import string

import argon2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding


def passwords(password, user, content):
    # ruleid: py-weak-password-hash
    stored = hashlib.md5(password.encode()).hexdigest()
    # ruleid: py-weak-password-hash
    stored = hashlib.sha256((user.salt + user.password).encode()).hexdigest()
    # ok: py-weak-password-hash
    stored = argon2.PasswordHasher().hash(password)
    # ok: py-weak-password-hash
    stored = hashlib.scrypt(password.encode(), salt=user.salt, n=2**14, r=8, p=1)
    # ok: py-weak-password-hash
    return hashlib.md5(content).hexdigest()


# ruleid: py-django-weak-password-hasher
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# ruleid: py-django-weak-password-hasher
PASSWORD_HASHERS = ("django.contrib.auth.hashers.UnsaltedSHA1PasswordHasher", "x.Y")
# ok: py-django-weak-password-hasher
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
# ok: py-django-weak-password-hasher
PASSWORD_HASHERS = ["x.PBKDF2PasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]


def signatures(key, message):
    # ruleid: py-weak-hash-signature
    key.sign(message, padding.PKCS1v15(), hashes.SHA1())
    # ruleid: py-weak-hash-signature
    hmac.new(key, message, hashlib.md5)
    # ruleid: py-weak-hash-signature
    signature = hashlib.sha1(key + message).hexdigest()
    # ok: py-weak-hash-signature
    key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    # ok: py-weak-hash-signature
    signature = hmac.new(key, message, hashlib.sha256)
    # ok: py-weak-hash-signature
    etag = hashlib.sha1(message).hexdigest()


def tokens(user, text, now):
    # ruleid: py-weak-hash-token
    token = hashlib.md5(f"{user}{now}".encode()).hexdigest()
    # ruleid: py-weak-hash-token
    user.api_key = hashlib.sha1(user.name.encode()).hexdigest()[:20]
    # ok: py-weak-hash-token
    token = secrets.token_urlsafe(32)
    # ok: py-weak-hash-token
    cache_key = hashlib.md5(text).hexdigest()


def guessable():
    alphabet = string.ascii_letters
    # ruleid: py-guessable-secret
    password = "".join(random.choice(alphabet) for _ in range(12))
    # ruleid: py-guessable-secret
    reset_token = str(random.randint(100000, 999999))
    # ok: py-guessable-secret
    password = "".join(secrets.choice(alphabet) for _ in range(12))
    # ok: py-guessable-secret
    password = "".join(random.SystemRandom().choice(alphabet) for _ in range(12))
    # ok: py-guessable-secret
    token_ids = [random.randint(0, 100) for _ in range(12)]
    # ok: py-guessable-secret
    seed = random.randint(0, 2**32)


def generate_api_key():
    key = "".join(random.choices(string.hexdigits, k=32))
    # ruleid: py-guessable-secret
    return key


def generate_invite_code():
    # ok: py-guessable-secret
    return secrets.token_hex(8)


def check(request, key, body):
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    # ruleid: py-timing-unsafe-signature-check
    if expected == request.headers["X-Signature"]:
        return True
    # ruleid: py-timing-unsafe-signature-check
    if "sha256=" + expected != request.headers["X-Hub-Signature-256"]:
        return False
    # ok: py-timing-unsafe-signature-check
    if hmac.compare_digest(expected, request.headers["X-Signature"]):
        return True
    # ok: py-timing-unsafe-signature-check
    return body == b""
