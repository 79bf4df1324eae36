"""Where a command line begins and ends: Ctrl-C, bytes that are no text, errors to exit statuses.

0 done, 1 a person can mend it, 2 wrong usage, 130 Ctrl-C. Until `run_command` runs, Python answers
Ctrl-C with a traceback; so this module imports little, and the commands only then.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from waitroom.errors import WaitroomError

if TYPE_CHECKING:
    import click
    from _typeshed import ReadableBuffer

_INTERRUPTED = 130
# What every command's help ends with.
EXIT_STATUSES = (
    "Exit status: 0 done, 1 an error that a person can mend (one line on stderr), 2 wrong usage, "
    "130 interrupted."
)


def program(does: str, without: Callable[[], None]) -> click.Group:
    """Make the group of a program's commands. `without`: what it does where none is given."""
    import click  # noqa: PLC0415 - see above

    def begin() -> None:
        if click.get_current_context().invoked_subcommand is None:
            without()

    return click.Group(
        callback=begin,
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=f"""{does} Without a command: {without.__name__}.

        Environment variables (WAITROOM_HOSTS, WAITROOM_DATA, ...) set everything; the README lists
        them all.
        """,
        epilog=EXIT_STATUSES,
    )


def run_command(load: Callable[[], click.Command]) -> None:
    """Import a command and run it; an error that a person can mend is one line on stderr."""
    command = _uninterrupted(load)
    sys.stdout = _output()
    sys.exit(_run(command))


def _uninterrupted(load: Callable[[], click.Command]) -> click.Command:
    """Import at a stretch. Nothing is begun yet that Ctrl-C would have to leave in order."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return load()  # whoever started us wants it ignored
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    command = load()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return command


def _run(command: click.Command) -> str | int | None:
    """Return what to exit with."""
    import click  # noqa: PLC0415 - see above

    try:
        _demand_text()
        command(standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as end:
        return end.code
    except WaitroomError as error:
        return f"Error: {error}"
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return f"Error: {name}{error.strerror or error}"
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    return 0


def _demand_text() -> None:
    """Refuse arguments that no file of ours and no request could hold."""
    import click  # noqa: PLC0415 - see above

    for argument in sys.argv[1:]:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{argument!r} holds bytes that are no UTF-8") from None


class _Output(io.FileIO):
    """Standard output, named where it can't be written; and then nothing more is tried."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as all files do. Raises: OSError."""
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            raise OSError(error.errno, error.strerror, "standard output") from None


def _output() -> io.TextIOWrapper:
    found = sys.stdout
    if found is None:  # whoever started us has closed it
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - to the end
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(found.fileno(), "w", closefd=False)),
        found.encoding,
        "backslashreplace",  # where its encoding has no sign for it
        line_buffering=True,
    )
