"""DVC's files: which data a repository uses and makes (https://dvc.org/doc/user-guide)."""

from __future__ import annotations

import configparser
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from compline.model import Link
from compline.scanners.lineage import yaml_text
from compline.scanners.lineage.known import KnownAssets

MODEL_SUFFIXES = (
    *(".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin", ".onnx", ".h5", ".keras"),
    *(".safetensors", ".gguf", ".pb", ".tflite"),
)
"""What an output must end with to be a model and not a dataset."""


def links(
    repository: str, path: str, text: str, remotes: Mapping[str, str], known: KnownAssets
) -> Iterator[Link]:
    """What a `.dvc` file or a `dvc.yaml` says.

    Args:
        repository: the target's name.
        path: of the file in it.
        text: of the file.
        remotes: see `remotes_of`.
        known: the organisation's targets.

    Raises:
        Unreadable: it is not what its name says.
    """
    value = yaml_text.load(text)
    if not isinstance(value, dict):
        raise yaml_text.Unreadable("not a mapping")
    folder = posixpath.dirname(path)
    if posixpath.basename(path) != "dvc.yaml":
        yield from _tracked(repository, folder, value, remotes, known)
        return
    stages = value.get("stages")
    for stage in stages.values() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            yield from _stage(repository, folder, stage)


def remotes_of(config: str) -> dict[str, str]:
    """Name to URL of the remotes in `.dvc/config`; the default one also under the empty name.

    Raises:
        Unreadable: it is not an INI file.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(config)
    except configparser.Error:
        raise yaml_text.Unreadable("not an INI file") from None
    found = {}
    for section in parser.sections():
        kind, _, name = section.strip("'").partition(" ")
        if kind == "remote":
            found[name.strip('"')] = parser[section].get("url", "")
    default = parser.get("core", "remote", fallback="")
    if default in found:
        found[""] = found[default]
    return found


def asset(repository: str, folder: str, path: str) -> str:
    """Data or a model by its place in a repository."""
    place = posixpath.normpath(posixpath.join(folder, path))
    kind = "model" if place.lower().endswith(MODEL_SUFFIXES) else "dataset"
    return f"{kind}/{repository}/{place}"


def _tracked(
    repository: str,
    folder: str,
    value: Mapping[str, Any],
    remotes: Mapping[str, str],
    known: KnownAssets,
) -> Iterator[Link]:
    """Outputs of a `.dvc` file are kept in a remote; what is imported comes from elsewhere."""
    for out in _paths(value.get("outs")):
        own = asset(repository, folder, out["path"])
        store = known.store(remotes.get(str(out.get("remote") or ""), ""))
        if store:
            yield Link(store, own, "holds")
        if own.startswith("dataset/"):
            yield Link(own, f"repository/{repository}", "is used by")
        for dependency in _paths(value.get("deps")):
            source = dependency.get("repo")
            origin = (
                known.repository(str(source.get("url", ""))) if isinstance(source, dict) else ""
            )
            if origin:
                yield Link(origin, own, "is imported as")


def _stage(repository: str, folder: str, stage: Mapping[str, Any]) -> Iterator[Link]:
    """A stage makes its outputs out of its dependencies; code among them is the repository."""
    at = str(stage.get("wdir") or "")
    here = posixpath.join(folder, at)
    made = [asset(repository, here, one["path"]) for one in _paths(stage.get("outs"))]
    for own in made:
        yield Link(f"repository/{repository}", own, "makes")
        for dependency in _paths(stage.get("deps")):
            if posixpath.splitext(dependency["path"])[1] in (".py", ".ipynb", ".sh", ".R"):
                continue
            used = asset(repository, here, dependency["path"])
            if used != own:
                yield Link(used, own, "trained" if own.startswith("model/") else "goes into")


def _paths(entries: Any) -> Iterator[Mapping[str, Any]]:
    """Entries of `outs` and `deps`: a path, or a mapping with one, or with it as its only key."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            yield {"path": entry}
        elif isinstance(entry, dict) and isinstance(entry.get("path"), str):
            yield entry
        elif isinstance(entry, dict) and len(entry) == 1:
            yield {"path": str(next(iter(entry)))}
