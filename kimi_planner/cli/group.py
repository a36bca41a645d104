"""Commands of a group, of which an unknown one is answered with the nearest."""

from __future__ import annotations

import click

from kimi_planner.errors import unknown


class Commands(click.Group):
    """A group of commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called."""
        name = args[0]
        if name not in self.list_commands(ctx) and not name.startswith("-"):
            ctx.fail(unknown("No such command", name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)
