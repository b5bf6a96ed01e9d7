"""What a sample says of a column, and that what is random or opaque raises no false alarm."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from compline.scanners.stores.content.detectors import PERSONAL, SECRETS
from compline.scanners.stores.content.statistics import (
    distinct_share,
    entropy,
    judge,
    sightings,
)

SEEDS = st.integers(0, 2**32)
_FERNET = Fernet(b"0" * 43 + b"=")


def rows(seed: int, make: Callable[[random.Random], str], count: int = 200) -> list[str]:
    source = random.Random(seed)
    return [make(source) for _ in range(count)]


HARMLESS: dict[str, Callable[[random.Random], str]] = {
    "sha256": lambda r: hashlib.sha256(r.randbytes(8)).hexdigest(),
    "uuid": lambda r: str(uuid.UUID(bytes=r.randbytes(16), version=4)),
    "base64": lambda r: base64.b64encode(r.randbytes(48)).decode(),
    "bytea": lambda r: f"\\x{r.randbytes(40).hex()}",
    "nine digits": lambda r: f"{r.randrange(10**9):09}",
    "eleven digits": lambda r: f"{r.randrange(10**11):011}",
    "sixteen digits": lambda r: f"{r.randrange(4 * 10**15, 5 * 10**15)}",
    "timestamps": lambda r: f"2026-01-{r.randrange(1, 29):02} {r.randrange(24):02}:00:00+00",
    "amounts": lambda r: f"{r.uniform(0, 9999):.2f}",
    "plate": lambda r: f"{r.randrange(10**8):08}{r.choice('ABCDEFGHJKLMNPQRSTVWXYZ')}",
    "words": lambda r: " ".join(r.choices(["loan", "paid", "late", "open", "note"], k=6)),
}


@pytest.mark.parametrize("kind", HARMLESS)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_harmless_columns_raise_no_alarm(kind: str, seed: int) -> None:
    assert list(sightings(rows(seed, HARMLESS[kind]), 0.05)) == []


@pytest.mark.parametrize(
    ("declared", "make"),
    [
        ("hashed", HARMLESS["sha256"]),
        ("hashed", lambda r: hashlib.md5(r.randbytes(8)).hexdigest()),
        ("hashed", lambda r: base64.b64encode(hashlib.sha1(r.randbytes(8)).digest()).decode()),
        ("hashed", lambda r: f"$2b$12${r.randbytes(26).hex()}"),
        ("encrypted", HARMLESS["base64"]),
        ("encrypted", HARMLESS["bytea"]),
        ("encrypted", lambda r: r.randbytes(28).hex()),
        ("encrypted", lambda r: _FERNET.encrypt(r.randbytes(20)).decode()),
        ("encrypted", lambda r: f"vault:v1:{base64.b64encode(r.randbytes(40)).decode()}"),
        ("pseudonymised", HARMLESS["uuid"]),
        ("pseudonymised", HARMLESS["sha256"]),
        ("pseudonymised", HARMLESS["nine digits"]),
        ("personal", HARMLESS["words"]),
    ],
)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_what_is_as_declared_fits(
    declared: str, make: Callable[[random.Random], str], seed: int
) -> None:
    judged = judge(declared, rows(seed, make))
    assert judged.fits, judged.why


@pytest.mark.parametrize(
    ("declared", "make", "why"),
    [
        ("encrypted", HARMLESS["words"], "200 of 200 values can be read"),
        (
            "encrypted",
            lambda r: base64.b64encode(f"account of customer {r.random()}".encode()).decode(),
            "200 of 200 values can be read",  # only encoded
        ),
        ("encrypted", lambda _: "ff00ff00" * 20, "it is too regular for ciphertext"),
        ("encrypted", HARMLESS["nine digits"], "200 of 200 values can be read"),
        ("hashed", HARMLESS["words"], "200 of 200 values are no digests"),
        ("hashed", HARMLESS["uuid"], "200 of 200 values are no digests"),
        ("pseudonymised", lambda r: f"p{r.randrange(999)}@example.org", "look like e-mail address"),
        ("pseudonymised", HARMLESS["words"], "200 of 200 values are no identifiers"),
    ],
)
def test_what_is_not_as_declared(
    declared: str, make: Callable[[random.Random], str], why: str
) -> None:
    judged = judge(declared, rows(1, make))

    assert not judged.fits
    assert why in judged.why


def test_a_few_values_that_were_forgotten_are_seen() -> None:
    values = [*rows(1, HARMLESS["sha256"], 95), *(f"plain {n}" for n in range(5))]

    assert judge("hashed", values).why == "5 of 100 values are no digests"


REAL = {
    "e-mail address": "ann.lee+x@mail.example.org",
    "telephone number": "+49 30 1234567",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "card number": "4111 1111 1111 1111",
    "Spanish DNI": "12345678Z",
    "Italian codice fiscale": "RSSMRA85T10A562S",
    "French NIR": "184127645108946",
    "Dutch BSN": "111222333",
    "Polish PESEL": "44051401359",
    "Brazilian CPF": "529.982.247-25",
}
WRONG = {
    "IBAN": "DE88 3704 0044 0532 0130 00",
    "card number": "4111 1111 1111 1112",
    "Spanish DNI": "12345678A",
    "Italian codice fiscale": "RSSMRA85T10A562T",
    "French NIR": "184127645108947",
    "Dutch BSN": "111222334",
    "Polish PESEL": "44051401358",
    "Brazilian CPF": "529.982.247-26",
}


@pytest.mark.parametrize("kind", REAL)
def test_personal_data_is_seen_and_counted(kind: str) -> None:
    values = [REAL[kind]] * 7 + ["nothing"] * 93

    assert [(s.kind, s.hits) for s in sightings(values, 0.05)] == [(kind, 7)]
    assert list(sightings(values, 0.08)) == []
    assert list(sightings([REAL[kind]] * 2, 0.05)) == []


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_check_digits_are_no_personal_data(kind: str) -> None:
    detector = PERSONAL[kind]
    assert detector.candidate(WRONG[kind])
    assert not detector.holds(WRONG[kind])


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("postgresql://etl:hunter22@db/x", True),
        ("AKIA" + "Q" * 16, True),
        ("see https://example.org/a@b", False),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("sk-short", False),
    ],
)
def test_one_secret_is_enough(value: str, secret: bool) -> None:
    assert ("secret" in {s.kind for s in sightings([value, *["x"] * 999], 0.05)}) is secret
    assert set(SECRETS) == {"secret"}


def test_entropy_and_repetition() -> None:
    assert entropy([bytes(range(256))]) == 8
    assert entropy([b"aaaa"]) == 0
    assert entropy([]) == 0
    assert distinct_share(["a", "a", "b", "b"]) == 0.5
