"""Where errors become exit statuses: 0 done, 1 a person can mend it, 2 wrong usage, 130 Ctrl-C."""

from __future__ import annotations

import sys

import click

from waitroom.errors import WaitroomError

_INTERRUPTED = 130


def run_command(command: click.Command) -> None:
    """Run a command line; an error that a person can mend is one line on standard error."""
    try:
        command(standalone_mode=False)
    except WaitroomError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error: {error.filename or ''}: {error.strerror or error}")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
