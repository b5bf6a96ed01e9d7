"""The Hub's answers as frames and facts. Pure.

Frames: `token` (name, role); `scopes` (see scopes.py); `members` (user, role), where the Hub tells
roles; `repositories` (repository, kind, visibility); `files` (repository, path, unsafe), of model
repositories.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from compline.model import Fact, Gap, GapReason, RegressionKind
from compline.scanners.expectations.inventory import CannotCollect, Inventory, frame_of
from compline.scanners.models.contents.formats import UNSAFE
from compline.scanners.registries.huggingface.scopes import COLUMNS, scopes_of
from compline.scanners.services import escaped

REPOSITORIES = ("models", "datasets", "spaces")
_ROLES = {"read": 1, "contributor": 2, "write": 3, "admin": 4}
_VISIBLE = {"private": 0, "gated": 1, "public": 2}
_UNSAFE = frozenset({*UNSAFE, ".bin", ".npy", ".npz", ".h5", ".hdf5", ".keras"})
"""Formats that may run code when they are loaded, or often hold those that do."""


def inventory_of(answers: Mapping[str, Any]) -> Inventory:
    """The inventory.

    Raises:
        CannotCollect: an answer is of another shape.
    """
    try:
        token = _token(answers["whoami"])
        scopes, unclear = scopes_of(
            answers["whoami"]["auth"]["accessToken"], token["name"], answers["organisation"]
        )
        members = _members(answers["members"])
        repositories: list[dict[str, Any]] = []
        files: list[dict[str, Any]] = []
        for kind in REPOSITORIES:
            for one in answers[kind] or ():
                repositories.append(_repository(one, kind))
                if kind == "models":
                    files += _files(one)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CannotCollect("an answer of the Hub's is of another shape") from None
    frames = {
        "token": frame_of(("name", "role"), [token]),
        "scopes": frame_of(COLUMNS, scopes),
        "repositories": frame_of(("repository", "kind", "visibility"), repositories),
        "files": frame_of(("repository", "path", "unsafe"), files),
    }
    gaps: list[Gap] = [*(answers.get("gaps") or ()), *unclear]
    refused = {}
    if members is None and not repositories:
        raise CannotCollect(
            f"the Hub shows nothing of {answers['organisation']}: is the name right, and may our "
            "token see it?"
        )
    if members is None:
        hidden = next((gap for gap in gaps if gap.path == "member/"), None)
        gaps = [gap for gap in gaps if gap is not hidden]
        refused["members"] = hidden or Gap(GapReason.FORBIDDEN, "member/", "not shown")
    else:
        frames["members"] = frame_of(("user", "role"), members)
        if any(not row["role"] for row in members):
            # The Hub tells roles to administrators of the organisation only.
            gaps.append(Gap(GapReason.FORBIDDEN, "role/", "roles are not shown to our token"))
    return Inventory(frames, refused, tuple(gaps), tuple(_facts(members or (), repositories)))


def _token(answer: Mapping[str, Any]) -> dict[str, Any]:
    token = answer["auth"]["accessToken"]
    return {"name": str(token.get("displayName") or "token"), "role": str(token["role"])}


def _members(answer: Any) -> list[dict[str, Any]] | None:
    if answer is None:
        return None
    return [{"user": str(one["user"]), "role": str(one.get("role") or "")} for one in answer]


def _repository(one: Mapping[str, Any], kind: str) -> dict[str, Any]:
    private = one["private"]
    if not isinstance(private, bool):
        raise TypeError("private")
    gated = one.get("gated") or False
    visibility = "private" if private else "gated" if gated else "public"
    return {"repository": str(one["id"]), "kind": kind, "visibility": visibility}


def _files(one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in one["siblings"]:
        path = str(entry["rfilename"])
        unsafe = PurePosixPath(path).suffix.lower() in _UNSAFE
        yield {"repository": str(one["id"]), "path": path, "unsafe": unsafe}


def _facts(
    members: Iterable[Mapping[str, Any]], repositories: Iterable[Mapping[str, Any]]
) -> Iterator[Fact]:
    for row in members:
        if row["role"]:
            yield Fact(
                RegressionKind.PERMISSION_WIDENED,
                escaped(f"role/{row['user']}"),
                escaped(row["role"]),
                _ROLES.get(row["role"], 5),
                escaped(f"{row['user']} in the organisation")[:160],
            )
    for row in repositories:
        yield Fact(
            RegressionKind.PERMISSION_WIDENED,
            escaped(f"repository/{row['kind']}/{row['repository']}"),
            row["visibility"],
            _VISIBLE[row["visibility"]],
            escaped(f"the world on {row['repository']}")[:160],
        )
