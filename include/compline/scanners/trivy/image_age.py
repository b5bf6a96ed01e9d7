"""What time does to an image that stays the same: it grows old, and its system is given up."""

from __future__ import annotations

from datetime import datetime

from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.trivy.image_reader import IMAGE_CONFIG


def too_old(
    scanner: str, created: str, now: datetime, most_days: int
) -> tuple[tuple[Observation, ...], tuple[str, ...]]:
    """An observation where the image is older than it may be, or the warning that nobody knows.

    Args:
        scanner: under whose name.
        created: ISO time of building, as the image says; empty if it does not.
        now: the time of the look.
        most_days: the greatest age that is fine.
    """
    # Reproducible builds say the beginning of the epoch.
    if not created or created < "2000":
        return (), ("the image does not say when it was built: its age is not known",)
    if (now - datetime.fromisoformat(created)).days <= most_days:
        return (), ()
    title = f"The image was built more than {most_days} days ago"
    details = (("built", created[:10]), ("remedy", "build it anew, on an updated base"))
    return (_about(scanner, "image-too-old", Severity.MEDIUM, title, details),), ()


def end_of_life(scanner: str, system: str) -> tuple[Observation, ...]:
    """An observation where the operating system (its name and version) gets no updates."""
    if not system:
        return ()
    title = "The image's operating system gets no security updates any more"
    details = (("system", system), ("remedy", "build it on a maintained release"))
    return (_about(scanner, "os-end-of-life", Severity.HIGH, title, details),)


def _about(
    scanner: str,
    rule: str,
    severity: Severity,
    title: str,
    details: tuple[tuple[str, str], ...],
) -> Observation:
    return Observation(
        scanner=scanner,
        rule=rule,
        kind=FindingKind.MISCONFIGURATION,
        severity=severity,
        confidence=Confidence.HIGH,
        title=title,
        place=Place(IMAGE_CONFIG),
        cwe=("CWE-1104",),
        details=details,
    )
