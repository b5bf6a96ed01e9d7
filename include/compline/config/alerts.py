"""The section `alerts`: channels, and the rules that say what goes where, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from compline.config.cron import check_cron, check_timezone
from compline.config.fields import Misplaced, Name, Section
from compline.config.secrets import SecretReference
from compline.model import RegressionKind, Severity

CONSOLE = "console"
"""The channel that is always there: the task's log, or the terminal."""
OWNERS = "owners"
"""In a rule's `to`: the channels of whoever owns what got worse."""


Zone = Annotated[str, AfterValidator(check_timezone)]
Cron = Annotated[str, AfterValidator(check_cron)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Channel(Section):
    """Where alerts go: an address by reference only, since it holds a secret."""

    name: Name
    url: SecretReference = Field(
        description="any Apprise URL; with a signing key the http(s) address of a webhook"
    )
    signing_key: SecretReference | None = Field(
        None, description="makes it our signed webhook; see docs/webhook.md"
    )
    seconds: float = Field(20, gt=0, le=120, description="time that one delivery may take")


class When(Section):
    """Which regressions a rule is about; all conditions must hold, an empty one always does."""

    kinds: list[RegressionKind] = Field(default_factory=list)
    severity: Severity = Field(
        Severity.INFO,
        description="at least this; what has no severity passes, and what was widened or changed",
    )
    labels: dict[str, str | list[str]] = Field(
        default_factory=dict, description="of the target; a list allows any of its values"
    )
    scanners: list[str] = Field(default_factory=list)
    environments: list[str] = Field(
        default_factory=list, description="values of the target's label `environment`"
    )


class Digest(Section):
    """One message for everything since the last one, at these times."""

    cron: Cron | None = None
    time: Clock | None = Field(None, description="every day at; instead of `cron`")
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.cron is None) == (self.time is None):
            raise ValueError("write either `cron` or `time`")
        return self


class Quiet(Section):
    """Hours in which nothing is sent; it follows when they end."""

    start: Clock
    end: Clock
    timezone: Zone = "UTC"
    break_through: Severity | None = Field(
        None, description="from this severity on it is sent all the same"
    )

    @model_validator(mode="after")
    def _not_all_day(self) -> Self:
        if self.start == self.end:
            raise ValueError("quiet hours that start and end together would be none, or all")
        return self


class Rule(Section):
    """What goes to which channels, and when."""

    name: Name
    when: When = When()
    to: list[str] = Field(
        min_length=1, description=f"names of channels, `{CONSOLE}`, or `{OWNERS}`"
    )
    digest: Digest | None = Field(None, description="default: at once")
    quiet: Quiet | None = None
    remind_days: float | None = Field(None, gt=0, description="say again while nothing is done")
    resolved: bool = Field(True, description="say when it is well again")


class Owners(Section):
    """Who owns what got worse, and which channels reach them."""

    codeowners: bool = Field(False, description="by the repository's CODEOWNERS file")
    blame: bool = Field(False, description="by the author of the commit that brought it")
    labels: list[str] = Field(
        default_factory=lambda: ["owner", "team"], description="else by these labels of the target"
    )
    channels: dict[str, list[str]] = Field(
        default_factory=dict, description="owner (`@acme/risk`, an address, a label) to channels"
    )
    otherwise: list[str] = Field(
        default_factory=list, description="channels where no owner has one"
    )


class Alerts(Section):
    """Who is told of what got worse.

    `from_severity` is the shorthand for the rule that everything of that severity and above goes
    to every channel; it is in force where `rules` is empty, and for the console in any case.
    """

    from_severity: Severity = Severity.HIGH
    console: bool = Field(True, description="also into the task's log, from `from_severity` on")
    channels: list[Channel] = Field(default_factory=list)
    rules: list[Rule] = Field(default_factory=list)
    owners: Owners = Owners()
    flood: int = Field(10, ge=1, description="more messages than this at once become one")

    @model_validator(mode="after")
    def _names(self) -> Self:
        for part, taken in (("channels", {CONSOLE, OWNERS}), ("rules", {CONSOLE})):
            for number, entry in enumerate(getattr(self, part)):
                if entry.name in taken:
                    raise Misplaced(
                        f"there is a {part[:-1]} {entry.name!r} already",
                        at=(part, number, "name"),
                    )
                taken.add(entry.name)
        known = {CONSOLE, *(channel.name for channel in self.channels)}
        named = [(f"rule {rule.name}", name) for rule in self.rules for name in rule.to]
        groups = [self.owners.otherwise, *self.owners.channels.values()]
        for where, name in [*named, *(("owners", name) for group in groups for name in group)]:
            if name not in known and not (name == OWNERS and where != "owners"):
                there = ", ".join(sorted(known))
                raise ValueError(f"{where}: no channel is named {name}; there are {there}")
        asks = any(OWNERS in rule.to for rule in self.rules)
        if asks and not self.owners.otherwise:
            raise ValueError(
                f"a rule sends to `{OWNERS}`: name the channels for what nobody owns "
                "as owners.otherwise"
            )
        return self

    @property
    def silence(self) -> timedelta | None:
        """The shortest time after which a rule reminds; None where none does."""
        days = [rule.remind_days for rule in self.rules_in_force() if rule.remind_days]
        return timedelta(days=min(days)) if days else None

    def rules_in_force(self) -> tuple[Rule, ...]:
        """The written rules, or the shorthand's one; and the console's own."""
        grave = When(severity=self.from_severity)
        rules = list(self.rules)
        if not rules and self.channels:
            everywhere = [channel.name for channel in self.channels]
            rules = [Rule(name="default", when=grave, to=everywhere)]
        if self.console:
            rules.append(Rule(name=CONSOLE, when=grave, to=[CONSOLE]))
        return tuple(rules)
