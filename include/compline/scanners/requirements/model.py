"""What is read out of a manifest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pin:
    """One release that the manifest asks for exactly."""

    name: str
    """Normalised as PEP 503 says."""
    version: str
    """As PEP 440 writes it."""
    line: int | None = None
    """From 1; within the cell's source in a notebook."""
    end_line: int | None = None
    cell: int | None = None
    marker: str = ""
    """When it applies (`python_version < "3.11"`); it is looked up whether that holds or not."""


@dataclass(frozen=True)
class Unpinned:
    """A requirement that more than one release satisfies: nothing can be said of it."""

    name: str
    line: int | None = None
    cell: int | None = None
    reason: str = "no exact version"


@dataclass(frozen=True)
class Problem:
    """Something in the manifest that was not understood, or that no release stands behind."""

    detail: str
    """Without the text itself, which may hold credentials."""
    line: int | None = None
    subject: str = ""
    """The package's name where it is known; then the rest of the manifest was read."""


@dataclass(frozen=True)
class Include:
    """Another file that the manifest reads, relative to itself."""

    path: str
    constraint: bool = False
    """Included as constraints: it pins what is required elsewhere, and requires nothing."""


@dataclass(frozen=True)
class Manifest:
    """One file."""

    pins: tuple[Pin, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    unreadable: tuple[Problem, ...] = ()
    """Lines or entries that could not be understood."""
    unresolved: tuple[Problem, ...] = ()
    """Pinned to something that no advisory can speak of: a commit, a URL, a local build."""
    includes: tuple[Include, ...] = ()
