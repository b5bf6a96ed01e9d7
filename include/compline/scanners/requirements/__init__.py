"""Reads what Python manifests pin, without building, resolving or executing anything."""

from __future__ import annotations

from compline.scanners.requirements.find import kind_of
from compline.scanners.requirements.model import Include, Manifest, Pin, Problem, Unpinned
from compline.scanners.requirements.read import Unreadable, read_manifest

__all__ = [
    "Include",
    "Manifest",
    "Pin",
    "Problem",
    "Unpinned",
    "Unreadable",
    "kind_of",
    "read_manifest",
]
