"""Items into messages: singly, or as one where they are many or meant for a digest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from compline.alerts.messages import (
    LISTED,
    Entry,
    Event,
    Form,
    Message,
    counts_of,
    worst_first,
)
from compline.config.alerts import Rule
from compline.store.routing import Draft
from compline.store.threads import Thread


@dataclass(frozen=True, slots=True)
class Item:
    """What one channel is to hear of one subject now."""

    rule: Rule
    entries: tuple[Entry, ...]
    """One for each thing that happened to it."""
    thread: Thread
    """As it is when this was said; without a root if this is the first."""
    run: int | None


def bundle(
    items: Iterable[Item],
    organisation: str,
    flood: int,
    ended: Collection[str],
    new_id: Callable[[], str],
    now: datetime,
) -> tuple[tuple[Draft, ...], tuple[Thread, ...]]:
    """Messages for all items, and their threads with the roots that they have now.

    Args:
        items: in the order in which they are told.
        organisation: whose they are.
        flood: more than so many for one channel become one message.
        ended: first deliveries of the threads that end with these items.
        new_id: gives the id of a delivery.
        now: names a digest.
    """
    packer = _Packer(organisation, frozenset(ended), new_id)
    at_once: dict[str, list[Item]] = {}
    digests: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        if item.rule.digest is not None:
            digests.setdefault((item.thread.channel, item.rule.name), []).append(item)
        else:
            at_once.setdefault(item.thread.channel, []).append(item)
    for group in at_once.values():
        if len(group) > flood:
            packer.joined(group, Form.FLOOD, _flood_title(group), f"flood:{group[0].rule.name}")
        else:
            for item in group:
                packer.single(item)
    for (_, rule), group in digests.items():
        title = f"digest {rule}, {now:%Y-%m-%d %H:%M} UTC"
        packer.joined(group, Form.DIGEST, title, f"digest:{rule}")
    return tuple(packer.drafts), tuple(packer.threads)


class _Packer:
    """Collects drafts, and the threads that they move."""

    def __init__(self, organisation: str, ended: frozenset[str], new_id: Callable[[], str]) -> None:
        self.drafts: list[Draft] = []
        self.threads: list[Thread] = []
        self._organisation = organisation
        self._ended = ended
        self._new_id = new_id

    def single(self, item: Item) -> None:
        """A message of its own, in the subject's thread."""
        number = self._new_id()
        thread = item.thread if item.thread.root else replace(item.thread, root=number)
        message = Message(
            self._organisation,
            Form.SINGLE,
            _event(item.entries),
            item.rule.name,
            thread.title,
            item.entries,
            closes=self._closes([item]),
        )
        self.threads.append(thread)
        self._draft(number, thread.root, thread.channel, thread.subject, message, item.run)

    def joined(self, items: Sequence[Item], form: Form, title: str, subject: str) -> None:
        """One message for all; it begins a thread, unless a flood's all belong to one."""
        number = self._new_id()
        roots = {item.thread.root for item in items}
        root = number
        if form is Form.FLOOD and len(roots) == 1 and "" not in roots:
            [root] = roots
            title = items[0].thread.title
        entries = [entry for item in items for entry in item.entries]
        message = Message(
            self._organisation,
            form,
            _event(entries),
            items[0].rule.name,
            title,
            tuple(worst_first(entries)[:LISTED]),
            len(entries),
            counts_of(entries),
            self._closes(items),
        )
        self.threads += [
            item.thread if item.thread.root else _rooted(item.thread, root, form, title)
            for item in items
        ]
        runs = {item.run for item in items}
        run = runs.pop() if len(runs) == 1 else None
        self._draft(number, root, items[0].thread.channel, subject, message, run)

    def _closes(self, items: Sequence[Item]) -> tuple[str, ...]:
        roots = {
            item.thread.root
            for item in items
            if not item.thread.open and any(e.event is Event.RESOLVED for e in item.entries)
        }
        return tuple(sorted(roots & self._ended))

    def _draft(
        self, number: str, root: str, channel: str, subject: str, message: Message, run: int | None
    ) -> None:
        self.drafts.append(
            Draft(
                number,
                channel,
                subject,
                message.as_json(),
                root,
                message.rule,
                message.event.value,
                run,
            )
        )


def _rooted(thread: Thread, root: str, form: Form, title: str) -> Thread:
    """What follows a flood stays in its thread, by its name; a digest is over when it is read."""
    return replace(thread, root=root, title=title if form is Form.FLOOD else thread.title)


def _event(entries: Sequence[Entry]) -> Event:
    """The weightiest of what is told."""
    events = {entry.event for entry in entries}
    order = (Event.OPENED, Event.UPDATED, Event.REMINDER, Event.RESOLVED)
    return next(event for event in order if event in events)


def _flood_title(items: Sequence[Item]) -> str:
    targets = {item.thread.target for item in items}
    of = next(iter(targets)) or "the whole organisation" if len(targets) == 1 else ""
    return f"{len(items)} alerts about {of or f'{len(targets)} targets'}"
