"""Events as findings: one for each principal, model and rule, however many days it has.

An event is not a state: it does not cease to have happened. So each look tells again all events of
the last `keep_days` out of its memory, and a finding closes when its last event is older, not when
the next night is quiet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from compline.model import Confidence, FindingKind, Observation, Place, Severity
from compline.scanners.access.judge import Event
from compline.scanners.services import one_line

_MEDIUM, _HIGH = Severity.MEDIUM, Severity.HIGH
RULES: dict[str, tuple[Severity, Severity, str]] = {
    "anonymous-download": (_HIGH, _HIGH, "The model {model} was fetched without any login"),
    "new-principal": (_MEDIUM, _HIGH, "{principal} has never fetched the model {model} before"),
    "volume-beyond-habit": (_HIGH, _HIGH, "{principal} has fetched unusually much of {model}"),
    "many-models": (_HIGH, _HIGH, "{principal} has fetched many models in a short time"),
    "unusual-hour": (_MEDIUM, _MEDIUM, "{principal} has fetched models at an unusual hour"),
    "quiet-hours": (_MEDIUM, _MEDIUM, "{principal} has fetched {model} within the quiet hours"),
}
"""Rule to its severity, the severity of a grave event, and the title."""
_REMEDY = {
    "anonymous-download": "Close anonymous access to the model's path, or list `anonymous` under "
    "`access.allowed` if the model is public.",
}
_ASK = (
    "Ask the principal whether it was them. If not, revoke the credential and see what else it "
    "fetched; if so, waive the finding, or list the principal under `access.allowed`."
)
_DAYS = 10
"""Days that are told of one finding, the last ones."""


def observations(events: Iterable[Event], scanner: str) -> tuple[Observation, ...]:
    """One observation for each rule, principal and model."""
    grouped: dict[tuple[str, str, str], list[Event]] = defaultdict(list)
    for event in events:
        grouped[event.rule, event.principal, event.model].append(event)
    return tuple(_observation(grouped[key], scanner) for key in sorted(grouped))


def _observation(events: list[Event], scanner: str) -> Observation:
    events = sorted(events, key=lambda event: event.day)
    last = events[-1]
    normal, grave, title = RULES[last.rule]
    resource = f"model/{last.model}" if last.model else f"principal/{last.principal}"
    subject = f"principal/{last.principal} model/{last.model or '*'}"
    networks = sorted({network for event in events for network in event.networks})
    details = [("remediation", _REMEDY.get(last.rule, _ASK))]
    details += [(event.day.isoformat(), event.detail) for event in events[-_DAYS:]]
    if networks:
        details.append(("networks", ", ".join(networks[:_DAYS])))
    return Observation(
        scanner=scanner,
        rule=last.rule,
        kind=FindingKind.ACCESS,
        severity=grave if any(event.grave for event in events) else normal,
        confidence=Confidence.HIGH if last.rule == "anonymous-download" else Confidence.MEDIUM,
        title=one_line(title.format(principal=last.principal, model=last.model), 200),
        place=Place(path=resource),
        subject=subject,
        cwe=("CWE-284",) if last.rule == "anonymous-download" else (),
        details=tuple(details),
    )
