"""A group of commands whose modules are imported when they are used, so that ``--help`` and every other command stay quick.

The names and one-line summaries stand in a table; a test compares them with the commands. An unknown name gets its nearest one.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from weft.errors import UsageError, did_you_mean, some_of


class Entry(NamedTuple):
    """One command: its name, the module and the attribute that it is, and what the list of commands says of it."""

    name: str
    module: str
    attribute: str
    summary: str


class Commands(click.Group):
    """A group that shows its help when it is called alone, and answers an unknown command with the nearest one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click. Asking a group what it can do is no error."""
        if not args and not ctx.resilient_parsing and not self.invoke_without_command:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click. Raises `UsageError` (WEFT-U003) for an unknown command."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = self.list_commands(ctx)
            raise UsageError(
                f'"{ctx.command_path}" has no command "{args[0]}".',
                code="WEFT-U003",
                facts={"commands": some_of(known)},
                fix=did_you_mean(args[0], known, f"see: {ctx.command_path} --help"),
            )
        return super().resolve_command(ctx, args)


class LazyGroup(Commands):
    """A group over a table of entries."""

    def __init__(self, *args: Any, entries: Sequence[Entry] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table, which is that of a user's first day."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in self._entries.values()])
