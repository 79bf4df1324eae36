"""The waiting room as a program: its `commands`, imported when Ctrl-C can be met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waitroom.command_line import run_command

if TYPE_CHECKING:
    import click


def _commands() -> click.Command:
    from waitroom.commands import cli  # noqa: PLC0415 - see above

    return cli


if __name__ == "__main__":
    run_command(_commands)
