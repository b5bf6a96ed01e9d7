"""Which files are model files, by name and by their first bytes, and which formats run code."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import basename

HEAD = 8
"""Bytes that tell the formats apart."""
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle"})
_TORCH = frozenset({".pt", ".pth", ".ckpt"})
_OTHERS = frozenset(
    {
        *(".npy", ".npz", ".h5", ".hdf5", ".keras", ".onnx", ".tflite", ".safetensors", ".gguf"),
        *(".ggml", ".pdparams", ".pdmodel", ".mar", ".nemo", ".skops", ".mlmodel", ".llamafile"),
        *(".caffemodel", ".t7", ".engine", ".cbm", ".ubj", ".rds", ".pmml", ".orbax"),
    }
)
_AMBIGUOUS = frozenset(
    {".bin", ".model", ".dat", ".data", ".params", ".weights", ".pb", ".7z", ".zip"}
)
"""In a repository or image model files only if their first bytes say so, or what a zip lists."""
_PACKED = frozenset({".gz", ".bz2", ".xz", ".lzma", ".lz4", ".zst"})
_ARCHIVES = frozenset({*_PACKED, ".zip", ".7z", ".tar", ".tgz", ".rar"})
_NO_PICKLE = frozenset(
    {
        *(".safetensors", ".gguf", ".ggml", ".onnx", ".h5", ".hdf5", ".tflite", ".json", ".txt"),
        *(".md", ".yaml", ".yml", ".py", ".toml", ".csv", ".parquet", ".pb", ".sig", ".cfg"),
        *(".tar", ".gz", ".tgz", ".nemo", ".xml", ".html", ".ipynb", ".png", ".jpg", ".svg"),
    }
)
_PICKLE_MAGIC = tuple(bytes([0x80, protocol]) for protocol in range(6))
_ARCHIVE_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf\x27\x1c")
_NUMPY_MAGIC = b"\x93NUMPY"
UNSAFE = {
    **dict.fromkeys(_PICKLES, "pickle"),
    **dict.fromkeys(_TORCH, "PyTorch pickle"),
    ".t7": "Torch7",
    ".mar": "TorchServe archive",
    ".nemo": "NeMo archive",
    ".llamafile": "executable",
    ".rds": "R serialisation",
    ".pdparams": "Paddle pickle",
}
"""Suffix to the name of a format that can run code when it is loaded, whatever is in it now."""


def suffix(path: str) -> str:
    """The last suffix in small letters with its dot; empty where there is none."""
    name = basename(path).lower()
    return name[name.rindex(".") :] if "." in name[1:] else ""


def is_model(path: str) -> bool | None:
    """Whether a file of a repository or image is a model file; None: its first bytes decide."""
    found = suffix(path)
    if found in _PACKED:
        return is_model(path[: -len(found)]) is True
    if found in _PICKLES or found in _TORCH or found in _OTHERS:
        return True
    return None if found in _AMBIGUOUS else False


def may_hold_model(names: Iterable[str]) -> bool:
    """Whether an archive of these members is one of models: a site's or a program's is none."""
    return any(is_model(name) is not False or suffix(name) in _ARCHIVES for name in names)


def looks_like_model(head: bytes) -> bool:
    """Whether the first bytes are those of a pickle, an archive or an array."""
    return head.startswith((*_PICKLE_MAGIC, *_ARCHIVE_MAGIC, _NUMPY_MAGIC))


def may_hold_pickle(path: str) -> bool:
    """Whether picklescan has to be asked about a file of this name."""
    return suffix(path) not in _NO_PICKLE


def says_pickle(path: str) -> bool:
    """Whether the name says that there is a pickle, so that not finding one is worth a gap."""
    return suffix(path) in _PICKLES or suffix(path) in _TORCH or suffix(path) in (".npy", ".npz")


def unsafe_format(path: str, head: bytes) -> str:
    """The format's name if loading it can run code by itself; empty if not.

    Args:
        path: by whose suffix formats are known.
        head: the first bytes, for pickles under any other name; empty if they are not known.
    """
    known = UNSAFE.get(suffix(path), "")
    return known or ("pickle" if head.startswith(_PICKLE_MAGIC) else "")
