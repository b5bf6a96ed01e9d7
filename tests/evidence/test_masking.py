"""Nothing that quotes code and nothing that is a credential gets through the masking pass."""

from __future__ import annotations

import json

import pytest

from compline.evidence.masking import MASKED, Masking
from compline.model import canonical_json

# Put together here, so that this file holds no secret.
AWS = "AKIA" + "ZX3PQMN7HTRBK5WD"
GITHUB = "ghp" + "_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"key {AWS} end", f"key {MASKED} end"),
        (GITHUB, MASKED),
        (f"x {JWT}", f"x {MASKED}"),
        (f"a\n{PEM}\nb", f"a\n{MASKED}\nb"),
        ("https://ci:hunter22@git.example.org/x", f"https://{MASKED}@git.example.org/x"),
        ("postgresql://u:p%40ss@db/x", f"postgresql://{MASKED}@db/x"),
        ("Authorization: Bearer abcdefgh12345", f"Authorization: Bearer {MASKED}"),
        ("run --db_password=hunter22 --x", f"run --db_password={MASKED} --x"),
        ("sk-ant-" + "api03-" + "Ab1_" * 10, MASKED),
        (
            "a symbol stays: hf_hub_download_without_a_revision",
            "a symbol stays: hf_hub_download_without_a_revision",
        ),
        ("a hash stays: " + "ab12" * 16, "a hash stays: " + "ab12" * 16),
        ("https://osv.dev/vulnerability/CVE-2024-1", "https://osv.dev/vulnerability/CVE-2024-1"),
        ("hmac:0011223344556677:" + "cd" * 32, "hmac:0011223344556677:" + "cd" * 32),
    ],
)
def test_texts(text: str, left: str) -> None:
    document = canonical_json({"a": [{"b": text}]})
    assert json.loads(Masking().document(document)) == {"a": [{"b": left}]}


@pytest.mark.parametrize(
    "quote",
    [
        {"code": "12 x = eval(y)\n"},
        {"extra": {"lines": "x = eval(y)", "message": "eval(y) is bad", "metavars": {"$X": 1}}},
        {"CauseMetadata": {"Code": {"Lines": [{"Content": "x = eval(y)"}]}}},
        {"region": {"snippet": {"text": "x = eval(y)"}}, "contextRegion": {"startLine": 1}},
        {"invocations": [{"commandLine": "eval(y)", "environmentVariables": {"A": "eval(y)"}}]},
        {"issue_text": "eval(y) is used"},
    ],
)
def test_what_quotes_is_replaced(quote: dict[str, object]) -> None:
    masked = Masking().document(canonical_json({"rule": "R1", "line": 12, **quote}))
    assert b"eval" not in masked
    assert json.loads(masked) | {"rule": "R1", "line": 12} == json.loads(masked)


def test_numbers_and_nothing_stay_what_they_are() -> None:
    document = canonical_json({"code": 3, "lines": None, "message": ""})
    assert Masking().document(document) == document


def test_secrets_that_were_resolved_are_masked_however_they_are_written() -> None:
    secret = 'a"ü\\ secret'
    masking = Masking(lambda: [f"admin:{secret}"])
    for document in (
        canonical_json({"title": f"it is {secret}!"}),
        json.dumps({"title": f"it is {secret}!"}).encode(),
        canonical_json({f"key {secret}": 1}),
    ):
        assert b"secret" not in masking.document(document)


def test_a_clean_document_is_the_very_same_bytes() -> None:
    document = b'{ "b": 1, "a": "x" }'
    assert Masking(lambda: ["not in it"]).document(document) == document


def test_masking_twice_changes_nothing_more() -> None:
    masking = Masking()
    once = masking.document(canonical_json({"code": "x", "url": "https://a:bcdef@h/", "k": AWS}))
    assert masking.document(once) == once


def test_what_is_no_json_is_masked_as_text() -> None:
    assert Masking().document(f"<x>{AWS}".encode()) == f"<x>{MASKED}".encode()


def test_escapes_hide_nothing() -> None:
    hidden = '{"a":"' + "".join(f"\\u{ord(c):04x}" for c in AWS) + '"}'
    assert AWS not in json.loads(Masking().document(hidden.encode()))["a"]
