"""The operator's commands: they speak to the waiting room that runs, so that one process acts."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import click
import requests

from waitroom import direct
from waitroom.admin import assertions
from waitroom.admin.clocks import moment
from waitroom.admin.operators import Operators, Role, is_name
from waitroom.errors import WaitroomError
from waitroom.registry.settings import Settings
from waitroom.registry.values import Duration

_ANSWERS_S = 15.0
_PAUSE_S = 0.5
_PATIENCE_S = 900.0  # longer than a wake or a stop may take; the waiting room ends it before
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _order(command: _Command) -> _Command:
    """Give a command its host, and who orders it."""
    named = click.option("--as", "by", metavar="NAME", default=None, help="Who orders it.")
    return click.argument("host")(named(command))


@click.command()
@_order
def wake(host: str, by: str | None) -> None:
    """Wake HOST now, whatever its gate. Waits until it answers."""
    room = _Room(by)
    room.post(host, "wake")
    room.follow(host, "outcome/wake")


@click.command()
@_order
@click.option("--force", is_flag=True, help="Cut off whoever uses it.")
@click.option("--reason", default="", help="Why; --force demands it.")
def sleep(host: str, by: str | None, force: bool, reason: str) -> None:  # noqa: FBT001 - click's way
    """Put HOST to sleep now, unless somebody uses it. Waits until it sleeps."""
    if force and not reason.strip():
        raise click.UsageError("--force needs a --reason")
    room = _Room(by)
    answer = room.post(host, "sleep", reason=reason, **({"force": "yes"} if force else {}))
    room.follow(host, f"outcome/sleep?at={quote(answer['at'])}")


@click.command()
@_order
@click.option("--until", help="HH:MM by the clock here, today or tomorrow; or an RFC 3339 time.")
@click.option("--for", "span", metavar="SPAN", help="Such as 30m or 2h.")
def keep(host: str, by: str | None, until: str | None, span: str | None) -> None:
    """Keep HOST awake for a while."""
    if (until is None) == (span is None):
        raise click.UsageError("give either --until 18:00 or --for 2h")
    try:
        now = datetime.now(UTC)
        end = moment(until, now) if until else now + Duration.parse(span)
    except (ValueError, OverflowError) as error:
        option = "--until" if until else "--for"
        raise click.BadParameter(str(error), param_hint=option) from None
    click.echo(_Room(by).post(host, "keep", until=end.isoformat())["text"])


@click.command()
@_order
def release(host: str, by: str | None) -> None:
    """Keep HOST awake no more."""
    click.echo(_Room(by).post(host, "release")["text"])


@click.group()
def operator() -> None:
    """Who may log in to the admin listener's pages."""


@operator.command()
@click.argument("name")
@click.option("--reader", is_flag=True, help="Sees, and acts not.")
def add(name: str, reader: bool) -> None:  # noqa: FBT001 - click's way
    """Give NAME a token, shown once; the old one holds no more."""
    click.echo(_operators().add(name, Role.READER if reader else Role.OPERATOR))


@operator.command("list")
def list_all() -> None:
    """Show who may log in."""
    known = _operators().all()
    for one in known:
        click.echo(f"{one.name}  {one.role}")
    if not known:
        click.echo("Nobody yet; `operator add NAME` gives somebody a token.", err=True)


@operator.command()
@click.argument("name")
def remove(name: str) -> None:
    """Take NAME's token, and end his sessions."""
    _operators().remove(name)


COMMANDS = (wake, sleep, keep, release, operator)


class _Room:
    """The admin listener of the waiting room that runs. Raises: WaitroomError."""

    def __init__(self, by: str | None) -> None:
        settings = Settings.from_environment(os.environ)
        self._secret = _secret(settings.secret_file)
        self._by = by or _user()
        if not is_name(self._by):
            raise click.BadParameter(f"{self._by!r} is no name", param_hint="--as")
        host, _, port = settings.admin_listen.rpartition(":")
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - where it listens
        self._url = f"http://{host}:{port}"
        self._session = direct.session()

    def post(self, host: str, action: str, **form: str) -> dict[str, Any]:
        """Order something."""
        return self._ask("POST", f"/hosts/{quote(host, safe='')}/{action}", form)

    def follow(self, host: str, path: str) -> None:
        """Wait for what becomes of it, and say what happens meanwhile."""
        said, deadline = "", time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            outcome = self._ask("GET", f"/hosts/{quote(host, safe='')}/{path}", {})
            if outcome["done"]:
                if not outcome["ok"]:
                    raise WaitroomError(outcome["text"])
                click.echo(outcome["text"])
                return
            if outcome["text"] != said:
                said = outcome["text"]
                click.echo(said, err=True)
            time.sleep(_PAUSE_S)
        raise WaitroomError(f"{host}: no end of it yet; the waiting room goes on")

    def _ask(self, method: str, path: str, form: dict[str, str]) -> dict[str, Any]:
        body = urlencode(form).encode()
        order = assertions.order(method, path, body)
        headers = {
            "Authorization": f"Bearer {assertions.issue(self._secret, self._by, order)}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer = self._session.request(
                method, self._url + path, data=body, headers=headers, timeout=_ANSWERS_S
            )
            told: dict[str, Any] = answer.json()
        except requests.RequestException as error:
            raise WaitroomError(
                f"no waiting room answers at {self._url} (WAITROOM_ADMIN_LISTEN): "
                f"{type(error).__name__}"
            ) from None
        if not answer.ok:
            raise WaitroomError(str(told.get("detail", answer.reason)))
        return told


def _operators() -> Operators:
    return Operators(Settings.from_environment(os.environ).data / "operators.json")


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WaitroomError(
            f"{path}: {error.strerror}; the waiting room makes it when it first starts,"
            " and who can read it is an operator (WAITROOM_SECRET_FILE)"
        ) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return f"uid-{os.getuid()}"
