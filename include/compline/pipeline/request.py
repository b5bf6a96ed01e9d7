"""What a run is asked to look at; kept with the run, so that every later step reads the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from compline.config.schema import Config
from compline.model import Severity, Target, TargetKind
from compline.scanners import registry
from compline.targets.listed import Listed

HONOURS = "honours_comments"
"""Key in a run's parameters: comments and ignore files in scanned repositories counted."""


class BadRequest(Exception):
    """The run cannot be what was asked for; the message says what would be."""


@dataclass(frozen=True)
class Request:
    """The selection of one run; the defaults are the whole organisation."""

    targets: tuple[str, ...] = ()
    """Names of listed targets; empty: all, unless `other` is given."""
    scanners: tuple[str, ...] = ()
    """Names of scanners; empty: all that are enabled."""
    other: str = ""
    """A repository URL or image reference that is not listed (ad hoc only)."""
    revision: str = ""
    """Branch, tag or commit to look at instead of the tracked head (ad hoc only)."""
    fail_at: Severity = Severity.HIGH
    fresh: bool = False
    """Whether caches are switched off."""
    about: tuple[str, str] | None = None
    """Model and version that the gate asks about."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Request:
        """Reads what `as_json` gave."""
        return cls(
            targets=tuple(value["targets"]),
            scanners=tuple(value["scanners"]),
            other=value["other"],
            revision=value["revision"],
            fail_at=Severity(value["fail_at"]),
            fresh=value["fresh"],
            about=(about[0], about[1]) if (about := value.get("about")) else None,
        )

    @property
    def tracked(self) -> bool:
        """Whether this looks at tracked heads, so that it may change the life of findings."""
        return not self.other and not self.revision


def select_targets(config: Config, request: Request) -> tuple[Target, ...]:
    """The targets of a run.

    Raises:
        BadRequest: a name that is not listed, or a revision for something without revisions.
    """
    listed = {target.name: target for target in Listed().discover(config)}
    unknown = [name for name in request.targets if name not in listed]
    if unknown:
        there = ", ".join(listed) or "none"
        raise BadRequest(f"no target named {', '.join(unknown)}; listed are: {there}")
    if request.other:
        return (_other(request.other),)
    chosen = [listed[name] for name in dict.fromkeys(request.targets)] or list(listed.values())
    if request.revision:
        fits = {TargetKind.REPOSITORY}
        if request.revision.startswith("sha256:"):
            fits.add(TargetKind.IMAGE)
        wrong = [target.name for target in chosen if target.kind not in fits]
        if wrong:
            raise BadRequest(
                "a digest (sha256:...) fits images, any other revision fits repositories only, "
                f"not {', '.join(wrong)}"
            )
    return tuple(chosen)


def select_scanners(config: Config, request: Request) -> tuple[str, ...]:
    """The scanners of a run, in the registry's order.

    Raises:
        BadRequest: an unknown scanner, one that the configuration disables, or none that looks at
            any of the targets.
    """
    known = registry.names()
    for name in request.scanners:
        if name not in known:
            raise BadRequest(f"no scanner named {name}; there are {', '.join(known)}")
        if not config.scanners.of(name).enabled:
            raise BadRequest(f"scanner {name} is disabled in the configuration")
    wanted: Sequence[str] = request.scanners or known
    chosen = tuple(n for n in known if n in wanted and config.scanners.of(n).enabled)
    targets = select_targets(config, request)
    if targets and all(is_left_out(target, chosen) for target in targets):
        kinds = {target.kind for target in targets}
        fitting = [name for name in known if registry.kinds(name) & kinds]
        raise BadRequest(
            f"nothing to do: none of {', '.join(chosen) or 'the scanners'} looks at "
            f"{', '.join(target.name for target in targets)}; these would, if they are enabled: "
            f"{', '.join(fitting)}"
        )
    return chosen


def is_left_out(target: Target, scanners: Sequence[str]) -> bool:
    """Whether none of the scanners looks at targets of that kind."""
    return not any(target.kind in registry.kinds(name) for name in scanners)


def _other(locator: str) -> Target:
    is_repository = "://" in locator and not locator.startswith("docker://")
    kind = TargetKind.REPOSITORY if is_repository else TargetKind.IMAGE
    where = locator if "://" in locator else f"docker://{locator}"
    return Target(kind=kind, name=f"adhoc:{where}", locator=where)
