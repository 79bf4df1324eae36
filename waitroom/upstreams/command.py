"""Upstreams that are run by commands: systemd units, scripts, anything with a start and a stop.

Commands are argv lists, never a shell line. `status` exits 0 when the upstream runs and with
1 to 9 when it does not (systemctl says 3, or 4 for an unknown unit); any other end means that the
question was not answered, and nobody acts on an unanswered question.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import CommandUpstream
from waitroom.upstreams.base import Phase, Status, Upstream

_LAST_NOT_RUNNING = 9
_SHOWN_OUTPUT = 200


class Command(Upstream):
    """An upstream with three commands. It has no start time to tell."""

    def __init__(self, commands: CommandUpstream) -> None:
        self._commands = commands

    def status(self) -> Status:
        """Run the status command."""
        code, output = self._run(self._commands.status)
        if code == 0:
            return Status(Phase.RUNNING)
        if 0 < code <= _LAST_NOT_RUNNING:
            return Status(Phase.STOPPED, detail=f"exit status {code}")
        raise UpstreamError(Reason.UNREACHABLE, _ended(self._commands.status, code, output))

    def start(self) -> None:
        """Run the start command, which returns when it has begun."""
        self._order(self._commands.start)

    def stop(self) -> None:
        """Run the stop command."""
        self._order(self._commands.stop)

    def _order(self, argv: Sequence[str]) -> None:
        code, output = self._run(argv)
        if code != 0:
            raise UpstreamError(Reason.FAILED, _ended(argv, code, output))

    def _run(self, argv: Sequence[str]) -> tuple[int, str]:
        try:
            # A file, not a pipe: an app that a start command leaves behind would hold the pipe.
            with tempfile.TemporaryFile() as output:
                done = subprocess.run(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=self._commands.timeout.total_seconds(),
                    check=False,
                )
                output.seek(0)
                said = output.read(_SHOWN_OUTPUT).decode(errors="replace")
        except FileNotFoundError:
            raise UpstreamError(Reason.MISSING, f"there is no command {argv[0]!r}") from None
        except PermissionError:
            raise UpstreamError(Reason.PERMISSION, f"{argv[0]!r} may not be run") from None
        except subprocess.TimeoutExpired:
            text = f"{argv[0]!r} did not end within {self._commands.timeout.total_seconds():g} s"
            raise UpstreamError(Reason.UNREACHABLE, text) from None
        except OSError as error:
            raise UpstreamError(Reason.UNREACHABLE, f"{argv[0]!r} can't be run: {error}") from error
        return done.returncode, said


def _ended(argv: Sequence[str], code: int, output: str) -> str:
    said = " ".join(output.split())[:_SHOWN_OUTPUT]
    return f"{argv[0]!r} ended with exit status {code}" + (f": {said}" if said else "")
