"""Commands that are imported when one is asked for: help, and what needs little, answer at once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class Lazy(TyperGroup):
    """A group of commands of which only names and first lines of help are known at first."""

    entries: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """Name to `module:attribute`, a function or a group's Typer, and the first line of its help."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        # In front, in their order; the real one takes the place of its outline.
        outlines = {name: TyperCommand(name, help=text) for name, (_, text) in self.entries.items()}
        self.commands = {**outlines, **self.commands}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Imports the one that is asked for."""
        self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> Any:
        """The command of that name, imported; None if there is none."""
        if name in self.entries:
            module, _, attribute = self.entries[name][0].partition(":")
            found = getattr(import_module(module), attribute)
            self.commands[name] = _command(name, found)
        return self.commands.get(name)


def _command(name: str, found: Any) -> Any:
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        return typer.main.get_command(alone)
    command = typer.main.get_command(found)
    command.name = name
    return command
