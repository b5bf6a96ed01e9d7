"""Cases for archives.yaml."""

import os
import shutil
import tarfile
import zipfile
from pathlib import Path


def tars(path, folder):
    with tarfile.open(path) as archive:
        # ruleid: ai-tar-extracted-unfiltered
        archive.extractall(folder)
    other = tarfile.open(path, "r:gz")
    for member in other.getmembers():
        # ruleid: ai-tar-extracted-unfiltered
        other.extract(member, path=folder)
    # ruleid: ai-tar-extracted-unfiltered
    tarfile.open(path).extractall(folder)


def tars_mended(path, folder):
    with tarfile.open(path) as archive:
        # ok: ai-tar-extracted-unfiltered
        archive.extractall(folder, filter="data")
    other = tarfile.open(path, "r:gz")
    for member in other.getmembers():
        # ok: ai-tar-extracted-unfiltered
        other.extract(member, path=folder, filter="data")
    with zipfile.ZipFile(path) as archive:
        # ok: ai-tar-extracted-unfiltered
        archive.extractall(folder)


def trusting(path, folder):
    with tarfile.open(path) as archive:
        # ruleid: ai-tar-filter-trusts-everything
        archive.extractall(folder, filter="fully_trusted")
    # ruleid: ai-tar-filter-trusts-everything
    shutil.unpack_archive(path, folder, filter="fully_trusted")


def trusting_mended(path, folder):
    with tarfile.open(path) as archive:
        # ok: ai-tar-filter-trusts-everything
        archive.extractall(folder, filter="data")
    # ok: ai-tar-filter-trusts-everything, ai-unpack-archive-unfiltered
    shutil.unpack_archive(path, folder, filter="data")


def unpacks(path, folder):
    # ruleid: ai-unpack-archive-unfiltered
    shutil.unpack_archive(path, folder)
    # ruleid: ai-unpack-archive-unfiltered
    shutil.unpack_archive("data.tar.gz", extract_dir=folder)


def unpacks_mended(path, folder):
    # ok: ai-unpack-archive-unfiltered
    shutil.unpack_archive(path, folder, format="tar", filter="data")
    # ok: ai-unpack-archive-unfiltered
    shutil.unpack_archive("data.zip", extract_dir=folder)


def members(path, folder):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            # ruleid: ai-archive-member-path
            with open(os.path.join(folder, name), "wb") as target:
                target.write(archive.read(name))
    with tarfile.open(path) as bundle:
        for member in bundle.getmembers():
            # ruleid: ai-archive-member-path
            (Path(folder) / member.name).write_bytes(bundle.extractfile(member).read())


def members_mended(path, folder):
    root = Path(folder).resolve()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            # ok: ai-archive-member-path
            with open(os.path.join(folder, os.path.basename(name)), "wb") as target:
                target.write(archive.read(name))
    with tarfile.open(path) as bundle:
        for member in bundle.getmembers():
            target = (root / member.name).resolve()
            if not target.is_relative_to(root):
                raise ValueError("outside the folder")
            # ok: ai-archive-member-path
            target.write_bytes(bundle.extractfile(member).read())


def members_skipped(tar, folder):
    root = os.path.realpath(folder)
    for member in tar.getmembers():
        path = os.path.abspath(os.path.join(root, member.name))
        if not Path(path).is_relative_to(root):
            continue
        # ok: ai-archive-member-path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # ok: ai-archive-member-path
        with open(path, "wb") as target:
            shutil.copyfileobj(tar.extractfile(member), target)
