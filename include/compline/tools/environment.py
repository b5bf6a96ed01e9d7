"""One isolated environment: built from hashed requirements, sealed, and checked before use.

Sealing writes two files into it: `manifest.json` with the SHA-256 of every file, and, last of
all, `seal.json`. Without a seal the environment does not count as there. At each use the names,
sizes and times of all files are compared with the seal, which takes milliseconds; only if they
differ (a restored backup, a package upgraded by hand) is every file hashed again.

Compiled bytecode is left out of all this: Python writes it, and checks it against its source.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from uv import find_uv_bin

from compline.model import canonical_json, digest_of

SEAL = "seal.json"
MANIFEST = "manifest.json"
_INSTALLER_FILES = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}
"""In each dist-info: they tell how a package was installed, not what is in it."""


class EnvironmentBroken(Exception):
    """It is not there, half made, or not what was installed; the message says which."""


class InstallFailed(Exception):
    """uv could not build it; the message ends with what uv said and what may be done."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What was installed."""

    digest: str
    """SHA-256 over interpreter, platform, requirement file and the content of each distribution;
    the same on every machine that has the same ones."""
    versions: dict[str, str]
    """Distribution name to version."""
    interpreter: str
    """As in `CPython 3.11.7 linux-x86_64`."""
    stamp: str
    """Digest of the names, sizes and times of all files, and of the interpreter's."""


def build(directory: Path, requirements: Path, from_source: str = "") -> None:
    """Creates the environment in an empty place; without a seal yet.

    Args:
        directory: the place.
        requirements: hashed pins of everything in it.
        from_source: the one package of them that has no wheel. It is built from its hashed source
            by the setuptools of the same pins, once everything else is there.

    Raises:
        InstallFailed: uv is missing, or could not get or install a package.
    """
    try:
        uv = find_uv_bin()
    except FileNotFoundError:
        raise InstallFailed("the program uv is missing: run `pip install uv`") from None
    shutil.rmtree(directory, ignore_errors=True)
    base = Path(sys.executable).resolve()
    _uv([uv, "venv", "--quiet", "--no-project", "--relocatable", "--python", str(base), directory])
    # Copies, since a link into uv's cache would change with it.
    options = ["--require-hashes", "--no-deps", "--link-mode", "copy", "--compile-bytecode"]
    install = [uv, "pip", "install", "--quiet", "--python", str(directory / "bin" / "python")]
    pins = re.split(r"(?m)^(?=\S)", requirements.read_text("utf-8"))
    own = [pin for pin in pins if from_source and pin.startswith(f"{from_source}==")]
    # Wheels only: building a source distribution runs its code.
    steps = [("wheels", [pin for pin in pins if pin not in own], ["--only-binary", ":all:"])]
    if own:
        steps.append(("source", own, ["--no-build-isolation", "--no-binary", from_source]))
    for name, wanted, how in steps:
        listed = directory / f"{name}.txt"
        listed.write_text("".join(wanted), "utf-8")
        _uv([*install, *options, *how, "--requirements", str(listed)])
        listed.unlink()


def _uv(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        # An index address may carry a password.
        said = re.sub(r"://[^/\s@]*@", "://…@", done.stderr.strip())
        raise InstallFailed(
            f"uv could not install it: {said[-1500:]}\n"
            "Without internet, name your package mirror to uv (UV_DEFAULT_INDEX, or uv.toml), or "
            "a directory of wheels (UV_FIND_LINKS with UV_NO_INDEX=1)"
        )


def seal(directory: Path, requirements: Path) -> Seal:
    """Hashes every file, compares it with what its wheel recorded, and writes the seal.

    Raises:
        EnvironmentBroken: a file is not what its wheel says.
    """
    manifest = _hash_all(directory)
    packages, versions = _distributions(directory, manifest)
    interpreter = _ask_interpreter(directory)
    made = Seal(
        digest_of([interpreter, hashlib.sha256(requirements.read_bytes()).hexdigest(), packages]),
        versions,
        interpreter,
        _stamp(directory),
    )
    (directory / MANIFEST).write_bytes(canonical_json(manifest))
    _write_seal(directory, made)
    return made


def check(directory: Path) -> Seal:
    """The seal of an environment that is what was installed.

    Raises:
        EnvironmentBroken: it may not be used.
    """
    try:
        known = Seal(**json.loads((directory / SEAL).read_bytes()))
    except FileNotFoundError:
        state = "only half made" if directory.exists() else "not installed"
        raise EnvironmentBroken(f"it is {state}") from None
    except (OSError, ValueError, TypeError) as error:
        raise EnvironmentBroken(f"its seal cannot be read ({error})") from error
    try:
        stamp = _stamp(directory)
        if stamp == known.stamp:
            return known
        manifest = json.loads((directory / MANIFEST).read_bytes())
        found = _hash_all(directory)
        interpreter = _ask_interpreter(directory)
    except (OSError, ValueError) as error:
        raise EnvironmentBroken(f"it cannot be read ({error})") from error
    changed = sorted(name for name, _ in set(manifest.items()) ^ set(found.items()))
    if changed:
        raise EnvironmentBroken(f"it was changed since it was installed ({changed[0]})")
    if interpreter != known.interpreter:
        raise EnvironmentBroken(f"it was made with {known.interpreter}, and has {interpreter} now")
    known = replace(known, stamp=stamp)
    if os.access(directory, os.W_OK):
        _write_seal(directory, known)  # Otherwise it is hashed again next time, no more.
    return known


def _write_seal(directory: Path, made: Seal) -> None:
    temporary = directory / f".{SEAL}.{os.getpid()}"
    temporary.write_bytes(canonical_json(asdict(made)))
    temporary.replace(directory / SEAL)


def manifest_of(directory: Path) -> dict[str, str]:
    """SHA-256 of every file by its path in the environment, as of the last full check."""
    found: dict[str, str] = json.loads((directory / MANIFEST).read_bytes())
    return found


def _is_own(name: str) -> bool:
    return name == MANIFEST or SEAL in name


def _stamp(directory: Path) -> str:
    """Reads no file; the interpreter's stand for the standard library that comes with them."""
    root = str(directory)
    rows: list[tuple[str, list[tuple[str, int, int]]]] = []
    waiting = [root]
    while waiting:
        name = waiting.pop()
        files: list[tuple[str, int, int]] = []
        # By descriptor: these are thousands of files, and each look-up from the root counts.
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name != "__pycache__":
                            waiting.append(f"{name}/{entry.name}")
                    elif name != root or not _is_own(entry.name):
                        data = os.stat(entry.name, dir_fd=descriptor, follow_symlinks=False)
                        files.append((entry.name, data.st_size, data.st_mtime_ns))
        finally:
            os.close(descriptor)
        rows.append((name[len(root) :], sorted(files)))
    python = (directory / "bin" / "python").resolve()
    shared = python.parent.parent.glob("lib/libpython*.so.*")
    base = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in (python, *shared)]
    return hashlib.sha256(repr((sorted(rows), sorted(base))).encode()).hexdigest()


def _hash_all(directory: Path) -> dict[str, str]:
    """Path to SHA-256, for links the path that they lead to."""
    found = {}
    for name, folders, files in os.walk(directory):
        folders[:] = [folder for folder in folders if folder != "__pycache__"]
        links = [folder for folder in folders if (Path(name) / folder).is_symlink()]
        for path in (Path(name) / entry for entry in (*files, *links)):
            relative = path.relative_to(directory).as_posix()
            if _is_own(relative):
                continue
            if path.is_symlink():
                found[relative] = f"-> {path.readlink()}"
            else:
                with path.open("rb") as file:
                    found[relative] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _distributions(
    directory: Path, manifest: dict[str, str]
) -> tuple[list[tuple[str, str, str]], dict[str, str]]:
    """(name, version, digest of content) of each distribution, and versions by name."""
    packages = []
    for record in sorted(directory.glob("lib/python3*/site-packages/*.dist-info/RECORD")):
        content = []
        site = record.parent.parent
        for name, digest, *_ in csv.reader(record.read_text("utf-8").splitlines()):
            path = PurePosixPath(os.path.normpath(site.relative_to(directory) / name))
            if path.parent.name.endswith(".dist-info") and path.name in _INSTALLER_FILES:
                continue
            if path.suffix == ".pyc" or not digest:
                continue
            kind, _, value = digest.partition("=")
            expected = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
            if kind != "sha256" or manifest.get(str(path)) != expected:
                raise EnvironmentBroken(f"{path} is not the file that its wheel recorded")
            content.append((name, expected))
        project, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
        packages.append((project.lower().replace("_", "-"), version, digest_of(sorted(content))))
    return packages, {name: version for name, version, _ in packages}


def _ask_interpreter(directory: Path) -> str:
    code = "import platform as p; print(p.python_implementation(), p.python_version())"
    try:
        done = subprocess.run(
            [directory / "bin" / "python", "-I", "-S", "-c", code],
            env={},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentBroken(f"its interpreter does not run ({error})") from error
    return f"{done.stdout.strip()} {sysconfig.get_platform()}"
