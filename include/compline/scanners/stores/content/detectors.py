"""What one value looks like: personal data, secrets, hashes, ciphertext. Pure; nothing is kept.

Checksums: IBAN ISO 13616 (mod 97), cards ISO/IEC 7812 (Luhn), national numbers as their issuers
publish them (Spain: DNI, Italy: codice fiscale, France: NIR, Netherlands: BSN, Poland: PESEL,
Brazil: CPF).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}(?![\w-])")
_PHONE = re.compile(r"(?:\+|00)\d[\d ()/.-]{6,22}\d|\(\d{2,5}\) ?\d[\d -]{4,12}\d")
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_CARD = re.compile(r"(?:4|5[1-5]|2[2-7]|3[47]|6)(?:[ -]?\d){12,18}")
_DNI = re.compile(r"(\d{8})-?([A-Z])")
_FISCAL = re.compile(r"[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]")
_NIR = re.compile(r"([12]\d{2}(?:0[1-9]|1[0-2])\d{8})(\d{2})")
_DIGITS = re.compile(r"\d+")
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10,}"
    r"|AIza[\w-]{35}|sk-[\w-]{20,}|hf_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|[a-z+]{3,20}://[^/\s:@]+:[^/\s@]{4,}@"
)

_HEX = re.compile(r"(?:\\x|0x)?([0-9A-Fa-f]{2})+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_CRYPT = re.compile(r"\$(?:2[abxy]|argon2\w*|pbkdf2\S*|scrypt|[156y])\$\S+|\{S?SHA\d*\}\S+")
_DIGEST_BYTES = frozenset({16, 20, 28, 32, 48, 64})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEALED = re.compile(
    r"gAAAAA[\w-]{60,}={0,2}|vault:v\d+:\S+|ENC\[\S+|-----BEGIN PGP MESSAGE-----|age-encryption\S*"
    r"|(?:[\w-]+\.){4}[\w-]+"
)
_TOKEN = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@dataclass(frozen=True)
class Detector:
    """One sort of data that is looked for."""

    candidate: Callable[[str], bool]
    """Whether the value has the format at all."""
    holds: Callable[[str], bool]
    """Whether it also has the right check digits; only asked of candidates."""
    chance: bool = False
    """Whether arbitrary numbers of that format often pass, so that most candidates must."""


def _always(_value: str) -> bool:
    return True


def _digits(value: str) -> list[int]:
    return [int(letter) for letter in value if letter.isdigit()]


def _phone(value: str) -> bool:
    return bool(_PHONE.fullmatch(value)) and 8 <= len(_digits(value)) <= 17


def _iban(value: str) -> bool:
    plain = value.replace(" ", "")
    moved = plain[4:] + plain[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


def _luhn(value: str) -> bool:
    doubled = [
        digit if place % 2 == 0 else sum(divmod(digit * 2, 10))
        for place, digit in enumerate(reversed(_digits(value)))
    ]
    return sum(doubled) % 10 == 0


def _dni(value: str) -> bool:
    match = _DNI.fullmatch(value)
    return bool(match) and "TRWAGMYFPDXBNJZSQVHLCKE"[int(match[1]) % 23] == match[2]  # type: ignore[index]


_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def _fiscal(value: str) -> bool:
    total = sum(
        _ODD[letter] if place % 2 == 0 else int(letter, 36) - (0 if letter.isdigit() else 10)
        for place, letter in enumerate(value[:15])
    )
    return chr(ord("A") + total % 26) == value[15]


def _nir(value: str) -> bool:
    match = _NIR.fullmatch(value)
    return bool(match) and 97 - int(match[1]) % 97 == int(match[2])  # type: ignore[index]


def _weighted(value: str, weights: tuple[int, ...], modulus: int) -> int:
    return sum(d * w for d, w in zip(_digits(value), weights, strict=False)) % modulus


def _bsn(value: str) -> bool:
    return _weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0 and int(value) > 0


def _pesel(value: str) -> bool:
    month = int(value[2:4]) % 20
    right = _weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) == 0
    return right and 1 <= month <= 12 and 1 <= int(value[4:6]) <= 31


def _cpf(value: str) -> bool:
    digits = _digits(value)
    for length in (9, 10):
        weights = range(length + 1, 1, -1)
        rest = sum(d * w for d, w in zip(digits, weights, strict=False)) * 10 % 11 % 10
        if rest != digits[length]:
            return False
    return len(set(digits)) > 1


def _digits_of(length: int) -> Callable[[str], bool]:
    return lambda value: len(value) == length and bool(_DIGITS.fullmatch(value))


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: bool(pattern.fullmatch(value))


PERSONAL: Mapping[str, Detector] = {
    "e-mail address": Detector(lambda value: bool(_EMAIL.search(value)), _always),
    "telephone number": Detector(_phone, _always),
    "IBAN": Detector(_matches(_IBAN), _iban, chance=True),
    "card number": Detector(_matches(_CARD), _luhn, chance=True),
    "Spanish DNI": Detector(_matches(_DNI), _dni, chance=True),
    "Italian codice fiscale": Detector(_matches(_FISCAL), _fiscal, chance=True),
    "French NIR": Detector(_matches(_NIR), _nir, chance=True),
    "Dutch BSN": Detector(_digits_of(9), _bsn, chance=True),
    "Polish PESEL": Detector(_digits_of(11), _pesel, chance=True),
    "Brazilian CPF": Detector(
        _matches(re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}")), _cpf, chance=True
    ),
}
SECRETS: Mapping[str, Detector] = {
    "secret": Detector(lambda value: bool(_SECRET.search(value)), _always)
}


def looks_hashed(value: str) -> bool:
    """The format of a digest in hexadecimal or base64, or of a password hash."""
    if _CRYPT.fullmatch(value):
        return True
    raw = _decoded(value)
    return raw is not None and len(raw) in _DIGEST_BYTES and not is_text(raw)


def opaque_bytes(value: str) -> bytes | None:
    """The bytes of what is written as ciphertext is; None of what is plain, or only encoded."""
    if _SEALED.match(value):
        return value.encode()
    raw = _decoded(value)
    return None if raw is None or len(raw) < 12 or is_text(raw) else raw


def looks_like_a_token(value: str) -> bool:
    """An identifier without spaces: a UUID, a digest, a number, a short code."""
    return bool(_UUID.fullmatch(value) or _TOKEN.fullmatch(value))


def is_text(raw: bytes) -> bool:
    """Whether bytes read as plain text: nearly all printable ASCII, or UTF-8 letters."""
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in raw)
    return printable >= 0.9 * len(raw)


def _decoded(value: str) -> bytes | None:
    if _HEX.fullmatch(value):
        return bytes.fromhex(value.removeprefix("\\x").removeprefix("0x"))
    if not _BASE64.fullmatch(value):
        return None
    try:
        padded = value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None
