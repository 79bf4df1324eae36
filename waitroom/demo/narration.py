"""What the demonstration tells while it runs: each new state, and how long the app was not used."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import click

from traefik.folder import RouteFolder, Shadow
from waitroom.demo.places import HOST, Places, state
from waitroom.idle import idle_for
from waitroom.record.records import Latest
from waitroom.registry.hosts import Host

_TICK_S = 0.5


def narrate(places: Places, host: Host, go_on: Callable[[], None]) -> None:
    """Say what happens as it happens; `go_on`, asked each time, raises what ends it."""
    folder, recorded, said = RouteFolder(places.routes), Latest(places.data), ""
    while True:
        go_on()
        shadow = folder.shadow(HOST)
        if shadow is None:
            now = "awake"
        elif shadow is Shadow.DRAINING:
            now = "draining"
        else:
            now = state(places.room_port) or "unknown"
        said = _say(now, now + (_unused(host, recorded) if now == "awake" else ""), said)
        time.sleep(_TICK_S)


def _say(state: str, line: str, said: str) -> str:
    """Print a new state on a line of its own; on a terminal, keep the idle clock running in it."""
    stamp = f"{datetime.now():%H:%M:%S}  {HOST}  "  # noqa: DTZ005 - the clock on the wall of who watches
    if state != said:
        click.echo(
            ("\n" if said and sys.stdout.isatty() else "") + stamp + line,
            nl=not sys.stdout.isatty(),
        )
    elif sys.stdout.isatty():
        click.echo(f"\r{stamp}{line}   ", nl=False)
    return state


def _unused(host: Host, recorded: Latest) -> str:
    use = recorded.use(host)
    if use is None:  # nobody watches yet
        return ""
    idle_s = idle_for(use, datetime.now(UTC)).total_seconds()
    return f", idle {idle_s:.0f} s of {host.idle_after.total_seconds():.0f} s"
