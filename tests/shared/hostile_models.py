"""Files that run code when they are loaded, one for each place where that can hide; never loaded.

The payload would write a file, should anybody load one of them: the tests look for it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy

MARK = "compline-model-was-loaded"


class Reducing:
    """Pickled, it is a call of os.system; unpickled, it would make the mark."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.system, (f"touch /tmp/{MARK}",)


def bad(protocol: int = 4) -> bytes:
    """A pickle whose loading runs a command, beside what looks like weights."""
    return pickle.dumps({"weights": [0.5] * 8, "hook": Reducing()}, protocol)


def good() -> bytes:
    """A pickle without a single global."""
    return pickle.dumps({"weights": [0.5] * 8})


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip file of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def torch_zip(payload: bytes) -> bytes:
    """PyTorch's format since 1.6: a zip with one pickle and the tensors beside it."""
    return zipped(
        {
            "archive/data.pkl": payload,
            "archive/byteorder": b"little",
            "archive/version": b"3\n",
            "archive/data/0": bytes(64),
        }
    )


def torch_legacy(payload: bytes) -> bytes:
    """PyTorch's format before: magic number, protocol, system, object, keys, one after another."""
    head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    parts = [pickle.dumps(each, 2) for each in head]
    return b"".join([*parts, payload, pickle.dumps([], 2)])


def numpy_array(payload: bytes) -> bytes:
    """An .npy file that says it holds objects: what follows the header is a pickle."""
    out = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    numpy.lib.format.write_array_header_1_0(out, header)
    return out.getvalue() + payload


def tarred(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar file of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def keras_lambda() -> bytes:
    """A .keras file whose layer holds marshalled code."""
    layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {
            "name": "lambda",
            "function": {
                "class_name": "__lambda__",
                "config": {"code": "4wAAAAAAAAAAAAAAAAEAAAA=\n", "defaults": None, "closure": None},
            },
        },
        "registered_name": None,
    }
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}
    return zipped(
        {
            "config.json": json.dumps(config).encode(),
            "metadata.json": b'{"keras_version": "3.3.0"}',
            "model.weights.h5": b"",
        }
    )


def _field(number: int, content: bytes | str | int) -> bytes:
    """One field of a protocol buffer."""

    def varint(value: int) -> bytes:
        out = b""
        while value > 127:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])

    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def onnx_external(location: str) -> bytes:
    """An ONNX model whose one tensor lies in another file (onnx.proto: ModelProto)."""
    entry = _field(1, "location") + _field(2, location)
    tensor = _field(1, 4) + _field(2, 1) + _field(8, "weight") + _field(13, entry) + _field(14, 1)
    node = _field(1, "weight") + _field(2, "out") + _field(4, "Identity")
    graph = _field(1, node) + _field(2, "graph") + _field(5, tensor)
    return _field(1, 8) + _field(7, graph) + _field(8, _field(2, 17))


def password_zip(payload: bytes) -> bytes:
    """A zip whose member is marked as encrypted (APPNOTE 4.4.4, bit 0)."""
    raw = bytearray(zipped({"model.pkl": payload}))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        raw[raw.index(signature) + offset] |= 1
    return bytes(raw)


def zip_bomb(megabytes: int = 600) -> bytes:
    """A zip of some hundred kilobytes that unpacks to a thousand times as much."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("data.pkl", "w", force_zip64=True) as member,
    ):
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return out.getvalue()


def safetensors() -> bytes:
    """One tensor in the format that carries no code."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def by_tool(python: Path, code: str, folder: Path) -> None:
    """Runs code with a tool's interpreter: it has the libraries for 7z and HDF5."""
    subprocess.run([python, "-I", "-c", code], cwd=folder, check=True, timeout=120)


SEVEN_ZIP = """
import py7zr
with py7zr.SevenZipFile("model.7z", "w") as archive:
    archive.write("bad.pkl", "inner/model.pkl")
"""
SEVEN_ZIP_HIDDEN = """
import py7zr
with py7zr.SevenZipFile("hidden.7z", "w") as archive:
    archive.write("bad.pkl", "inner/model.weights")
"""
SEVEN_ZIP_PASSWORD = """
import py7zr
with py7zr.SevenZipFile("locked.7z", "w", password="secret") as archive:
    archive.write("bad.pkl", "inner/model.pkl")
"""
LAMBDA_H5 = """
import h5py, json
config = {"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "Lambda",
  "config": {"name": "l", "function": ["4wAAAAAAAAAAAAAAAAEAAAA=", None, None],
  "function_type": "lambda"}}]}}
with h5py.File("lambda.h5", "w") as file:
    file.attrs["model_config"] = json.dumps(config)
    file.attrs["keras_version"] = "2.15.0"
    file.create_dataset("w", data=[1.0])
"""


def plain_files() -> dict[str, bytes]:
    """Name to content of everything that needs no tool to make."""
    one = bad()
    inner = zipped({"deep/model.pkl": one})
    return {
        "protocol0.pkl": bad(0),
        "protocol2.pickle": bad(2),
        "protocol4.pkl": one,
        "second.pkl": good() + one,
        "late.pkl": pickle.dumps([bytes(1 << 20)]) + one,
        "noname.weights": one,
        "model.bin": one,
        "model.dat": one,
        "dump.dill": one,
        "torch.pt": torch_zip(one),
        "torch.ckpt": torch_zip(one),
        "renamed.pth": zipped({"archive/weights.xyz": one}),
        "legacy.pth": torch_legacy(one),
        "inner.zip": zipped({"model.pkl": one}),
        "nested.zip": zipped({"inner.zip": inner}),
        "nested3.zip": zipped({"a.zip": zipped({"b.zip": inner})}),
        "targz-in.zip": zipped({"x.tar.gz": tarred({"model.pkl": one})}),
        "model.tar.gz": tarred({"a/model.pkl": one}),
        "model.tar": tarred({"a/model.pkl": one}, "w"),
        "zip-in.tar": tarred({"inner.zip": inner}, "w"),
        "model.nemo": tarred({"model_weights.ckpt": torch_zip(one)}, "w"),
        "objects.npy": numpy_array(one),
        "objects.npz": zipped({"a.npy": numpy_array(one)}),
        "plain.joblib": one,
        "zlib.joblib": zlib.compress(one),
        "gzip.joblib": gzip.compress(one),
        "bz2.joblib": bz2.compress(one),
        "xz.joblib": lzma.compress(one),
        "gzip.pkl.gz": gzip.compress(one),
        "lambda.keras": keras_lambda(),
        "up.onnx": onnx_external("../../../etc/passwd"),
        "beside.onnx": onnx_external("beside.weights"),
        "beside.weights": one,
    }


def doubtful_files() -> dict[str, bytes]:
    """What cannot be looked into to the end: a gap, never clean."""
    return {
        "locked.zip": password_zip(bad()),
        "locked.pt": password_zip(bad()),
        "cut.pkl": pickle.dumps({"a": list(range(1000))})[:-400],
        "cut.pt": torch_zip(good())[:-60],
        "cut.npz": zipped({"a.npy": b"x" * 999})[:-80],
        "text.pkl": b"this is no pickle",
        "empty.pkl": b"",
        "noise.pt": bytes(range(256)) * 40,
        "noise.h5": b"\x89HDF\r\n\x1a\n" + bytes(range(256)),
        "noise.onnx": bytes(range(256)),
        "noise.safetensors": bytes(range(64)),
        "cut.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(40),
        "bomb.pt": zip_bomb(),
    }


def clean_files() -> dict[str, bytes]:
    """What a scan may call clean."""
    return {
        "good.pkl": good(),
        "good.pt": torch_zip(good()),
        "good.npz": zipped({"a.npy": npy()}),
        "good.npy": npy(),
        "good.safetensors": safetensors(),
        "good.zip": zipped({"model.pkl": good()}),
    }


def npy() -> bytes:
    """A plain array of numbers."""
    out = io.BytesIO()
    numpy.save(out, numpy.arange(8.0))
    return out.getvalue()


PLAIN_ARCHIVES = frozenset({"model.tar.gz", "model.tar", "zip-in.tar"})
"""Names that say nothing of a model: in repositories and images these are not opened."""


def hiding_places(python: Path, folder: Path) -> dict[str, bytes]:
    """Name to content of every file in which a tool finds something.

    Args:
        python: modelaudit's interpreter.
        folder: where what needs a tool is made.
    """
    (folder / "bad.pkl").write_bytes(bad())
    for code in (SEVEN_ZIP, SEVEN_ZIP_HIDDEN, LAMBDA_H5):
        by_tool(python, code, folder)
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {name: body for name, body in (plain_files() | made).items() if name != "beside.onnx"}
