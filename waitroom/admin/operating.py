"""The operator's commands: they have the waiting room that runs do it, so that one process acts."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import click

from waitroom.admin.client import AdminClient
from waitroom.admin.clocks import next_shown
from waitroom.admin.operators import NAMES, Operators, Role, is_name
from waitroom.command_line import EXIT_STATUSES
from waitroom.registry.hosts import normalise
from waitroom.registry.settings import Settings
from waitroom.registry.values import Duration

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _order(command: _Command) -> _Command:
    """Give a command its host, and who orders it."""
    named = click.option(
        "--as",
        "by",
        metavar="NAME",
        callback=_name,
        help="Who gives the order.  [default: the user of the system]",
    )
    return click.argument("host", callback=_hostname)(named(command))


def _hostname(_context: click.Context, _parameter: click.Parameter, host: str) -> str:
    if normalise(host) is None:
        raise click.BadParameter(f"{host!r} is no hostname")
    return host


def _name(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str:
    name = _user() if name is None else name
    if not is_name(name):
        raise click.BadParameter(f"{name!r} is no name: {NAMES}")
    return name


@click.command(epilog=EXIT_STATUSES)
@_order
def wake(host: str, by: str) -> None:
    """Wake HOST now, whatever its gate. Waits until it answers.

    HOST is any of its names. After 15 minutes nobody waits any more, but it is woken all the same.
    """
    admin = AdminClient(by)
    admin.post(host, "wake")
    admin.follow(host, "outcome/wake")


@click.command(epilog=EXIT_STATUSES)
@_order
@click.option("--force", is_flag=True, help="Cut off those who use it; needs a --reason.")
@click.option("--reason", default="", help="Why, for the record.")
def sleep(host: str, by: str, force: bool, reason: str) -> None:  # noqa: FBT001 - click's way
    """Put HOST to sleep now, unless somebody uses it. Waits until it sleeps.

    The waiting room forgets an order that it could not carry out in two minutes. The command waits
    ten minutes for a stop that has begun.
    """
    if force and not reason.strip():
        raise click.UsageError("--force needs a --reason")
    admin = AdminClient(by)
    answer = admin.post(host, "sleep", reason=reason, **({"force": "yes"} if force else {}))
    if "at" in answer:
        admin.follow(host, f"outcome/sleep?at={quote(answer['at'])}")
    else:  # it sleeps already
        click.echo(answer["text"])


@click.command(epilog=EXIT_STATUSES)
@_order
@click.option(
    "--until",
    metavar="TIME",
    help="18:00 by the clock here, today or tomorrow; or 2026-01-31T18:00:00Z.",
)
@click.option("--for", "span", metavar="SPAN", help="Such as 90s, 30m, 1h30m or 2d.")
def keep(host: str, by: str, until: str | None, span: str | None) -> None:
    """Keep HOST awake for a while.

    Give --until or --for, 28 days at most. This does not wake a host that sleeps. A newer order
    replaces the last one.
    """
    if (until is None) == (span is None):
        raise click.UsageError("give either --until 18:00 or --for 2h")
    try:
        now = datetime.now(UTC)
        end = now + Duration.parse(span) if until is None else next_shown(until, now)
    except (ValueError, OverflowError) as error:
        option = "--for" if until is None else "--until"
        raise click.BadParameter(str(error), param_hint=option) from None
    click.echo(AdminClient(by).post(host, "keep", until=end.isoformat())["text"])


@click.command(epilog=EXIT_STATUSES)
@_order
def release(host: str, by: str) -> None:
    """Take back what `keep HOST` ordered.

    The `awake` windows of hosts.yaml still apply.
    """
    click.echo(AdminClient(by).post(host, "release")["text"])


@click.group(epilog=EXIT_STATUSES)
def operator() -> None:
    """Manage who may log in to the dashboard."""


@operator.command(epilog=EXIT_STATUSES)
@click.argument("name")
@click.option("--reader", is_flag=True, help="May look, but give no orders.")
def add(name: str, reader: bool) -> None:  # noqa: FBT001 - click's way
    """Print a new token for NAME, once; an older one ends."""
    click.echo(_operators().add(name, Role.READER if reader else Role.OPERATOR))


@operator.command("list", epilog=EXIT_STATUSES)
def list_all() -> None:
    """Show who may log in."""
    operators = _operators()
    known = operators.all()
    for one in known:
        click.echo(f"{one.name}  {one.role}")
    if not known:
        click.echo(
            f"{operators.path}: nobody yet; `operator add NAME` gives somebody a token.", err=True
        )


@operator.command(epilog=EXIT_STATUSES)
@click.argument("name")
def remove(name: str) -> None:
    """Revoke the token of NAME and end the sessions."""
    _operators().remove(name)


COMMANDS = (wake, sleep, keep, release, operator)


def _operators() -> Operators:
    return Operators(Settings.from_environment(os.environ).data / "operators.json")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return f"uid-{os.getuid()}"
