"""The demo's folder of models: one that is signed, and one whose loading would run a command."""

from __future__ import annotations

import json
import struct
from pathlib import Path

_CONTENT = Path(__file__).parent / "content"
_WEIGHTS = 64
_CHURN = (
    # Pickle's text form: a call of posix.system. Whoever loads it sees a line of greeting.
    b"cposix\nsystem\n(S'echo the demo model was loaded'\ntR."
)
SIGNED = "fraud/1/model.safetensors"
"""The one that production serves; the second night finds another byte in it."""


def write_models(folder: Path) -> None:
    """Writes what is not there yet: `fraud/1` with a card and a signature, `churn/1`."""
    files = {
        SIGNED: _safetensors(),
        "fraud/1/README.md": (_CONTENT / "fraud-card.md").read_bytes(),
        # By a key that was thrown away, over the two files above.
        "fraud/1/model.sig": (_CONTENT / "fraud.sig").read_bytes(),
        "churn/1/model.pkl": _CHURN,
    }
    for name, content in files.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def tamper(folder: Path) -> None:
    """Turns one bit of the signed model, once."""
    path = folder / SIGNED
    content = _safetensors()
    if path.exists() and path.read_bytes() == content:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def _safetensors() -> bytes:
    """One tensor in a format that carries no code."""
    weights = struct.pack(f"<{_WEIGHTS}f", *(number / _WEIGHTS for number in range(_WEIGHTS)))
    tensor = {"dtype": "F32", "shape": [_WEIGHTS], "data_offsets": [0, len(weights)]}
    header = json.dumps({"weights": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + weights
