from __future__ import annotations

import sys

import pytest

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.named import CommandUpstream
from waitroom.registry.values import Duration
from waitroom.upstreams.base import Phase
from waitroom.upstreams.command import Command


def command(python: str) -> Command:
    argv = (sys.executable, "-c", python)
    return Command(CommandUpstream(argv, argv, argv, Duration(seconds=1)))


@pytest.mark.parametrize(
    ("code", "phase"), [(0, Phase.RUNNING), (1, Phase.STOPPED), (3, Phase.STOPPED)]
)
def test_the_exit_status_of_the_status_command_is_the_phase(code: int, phase: Phase) -> None:
    assert command(f"raise SystemExit({code})").status().phase is phase


@pytest.mark.parametrize(
    ("upstream", "reason"),
    [
        (command("raise SystemExit(127)"), Reason.UNREACHABLE),
        (command("import os; os.kill(os.getpid(), 9)"), Reason.UNREACHABLE),
        (command("import time; time.sleep(60)"), Reason.UNREACHABLE),
        (Command(CommandUpstream(("/no/such",), ("x",), ("/no/such",))), Reason.MISSING),
        (Command(CommandUpstream(("/etc",), ("x",), ("/etc",))), Reason.PERMISSION),
    ],
)
def test_any_other_end_answers_nothing(upstream: Command, reason: Reason) -> None:
    with pytest.raises(UpstreamError) as error:
        upstream.status()
    assert error.value.reason is reason


def test_a_failed_order_says_what_the_command_said() -> None:
    with pytest.raises(UpstreamError, match="exit status 5: no such unit") as error:
        command("print('no such unit'); raise SystemExit(5)").start()
    assert error.value.reason is Reason.FAILED


def test_no_argument_reaches_a_shell() -> None:
    echo = "import sys; raise SystemExit(sys.argv[1] != '$HOME; exit 1')"
    argv = (sys.executable, "-c", echo, "$HOME; exit 1")
    Command(CommandUpstream(argv, argv, argv)).start()
