"""Signatures by a certificate: the configured roots decide which of them count."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hostile_models as hostile
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from model_folders import Models

from compline.scanners.models.guard.signatures import Signatures

NOW = datetime.now(UTC)
PEM = serialization.Encoding.PEM


@dataclass
class Signer:
    """A root, and what it has signed for somebody who signs models; paths."""

    root: Path
    certificate: Path
    private: Path


def make(folder: Path, name: str) -> Signer:
    """A root of that name with one certificate."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {part}")])
        for part in ("root", "release")
    ]
    paths = [folder / f"{name}-{part}.pem" for part in ("root", "release")]
    for number in (0, 1):
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=not number,
            crl_sign=not number,
            encipher_only=False,
            decipher_only=False,
        )
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
        built = (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[0])
            .public_key(keys[number].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not number, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(purpose, critical=False)
            .sign(keys[0], hashes.SHA256())
        )
        paths[number].write_bytes(built.public_bytes(PEM))
    private = folder / f"{name}.key"
    private.write_bytes(
        keys[1].private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Signer(*paths, private)


@pytest.fixture
def release(tmp_path: Path, models: Models) -> Signer:
    """Who has signed the version that production serves."""
    files = {"model.safetensors": hostile.safetensors(), "README.md": b"---\nlicense: mit\n---\n"}
    models.put("1", files)
    signer = make(tmp_path, "release")
    folder = models.folder / "1"
    tool = models.toolbox.get("model-signing").executable
    options = ["--private_key", signer.private, "--signing_certificate", signer.certificate,
               "--certificate_chain", signer.root, "--signature", folder / "model.sig"]  # fmt: skip
    subprocess.run([tool, "sign", "certificate", *options, folder], check=True, capture_output=True)
    models.rules |= {"production": "1", "certificates": [str(signer.root)]}
    return signer


def why(models: Models) -> list[str]:
    """What is wrong with signatures."""
    found = models.completed("model-guard").observations
    return [dict(one.details)["why"] for one in found if one.rule == "signature-refused"]


def test_it_holds_under_its_root_and_under_no_other_nor_over_other_content(
    models: Models, release: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its canary is three more starts of the tool for each look; test_guard.py has it.
    monkeypatch.setattr(Signatures, "_prove", lambda _self: None)
    outcome = models.completed("model-guard")
    rules = {one.rule for one in outcome.observations}
    assert not rules & {"signature-refused", "production-unsigned", "production-unverified"}
    assert not any(gap.covers("fraud/1", "fraud/1") for gap in outcome.gaps)
    models.rules["certificates"] = [str(make(tmp_path, "other").root)]
    assert why(models) == ["signed with another key or certificate"]
    models.rules["certificates"] = [str(release.root)]
    models.put("1", {"model.safetensors": hostile.safetensors()[:-1] + b"\1"})
    assert why(models) == ["its files are not what was signed"]
