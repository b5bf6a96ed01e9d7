"""Cases for rules/python/tokens.yaml; read by semgrep --test, never run."""

import jwt
from jose import jwt as jose_jwt


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


def keys(claims, token, key):
    # ruleid: py-jwt-hardcoded-key
    jwt.encode(claims, "not-a-real-key", algorithm="HS256")
    # ruleid: py-jwt-hardcoded-key
    jwt.decode(token, "not-a-real-key", algorithms=["HS256"])
    # ok: py-jwt-hardcoded-key
    jwt.encode(claims, key, algorithm="HS256")
    # ok: py-jwt-hardcoded-key
    jwt.decode(token, key, algorithms=["HS256"])
