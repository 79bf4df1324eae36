"""The sidecar's commands: run (the default), ingest, explain, audit, schema."""

from __future__ import annotations

import functools
import os
import signal
from datetime import UTC, datetime

import click
import msgspec

from waitroom import logs
from waitroom.command_line import EXIT_STATUSES, program
from waitroom.kinds import Kind
from waitroom.preflight import demand_folder
from waitroom.registry import config
from waitroom.registry.settings import Settings


def run() -> None:
    """Watch until SIGTERM."""
    settings = _settings()
    from sidecar.daemon import Daemon  # noqa: PLC0415 - ingest needs no provider and no schedule

    daemon = Daemon(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.end())
    daemon.run()


cli = program("Record who uses which host, and put idle upstreams to sleep.", run)


@cli.command(epilog=EXIT_STATUSES)
def ingest() -> None:
    """Read and record all that is in the logs now, and exit.

    No sidecar may run at the same time.
    """
    settings = _settings()
    from sidecar.ingest import ingest as read_all  # noqa: PLC0415 - as above
    from sidecar.record.recorder import Recorder  # noqa: PLC0415

    recorder = Recorder(
        data=settings.data,
        access_log=settings.access_log,
        registry=config.load(settings.hosts, settings.containers),
        on_canary=lambda _: None,
    )
    try:
        read_all(recorder)
    finally:
        recorder.close()


@cli.command(epilog=EXIT_STATUSES)
@click.argument("host")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
def explain(host: str, form: str) -> None:
    """Say whether HOST would be put to sleep now, and why not. Changes nothing.

    Goes step by step, and shows how the last attempt went. Run it beside the sidecar, where that
    runs: only there can it see Traefik's connections.
    """
    settings = Settings.from_environment(os.environ)
    registry = config.load(settings.hosts, settings.containers)
    from sidecar.audits.explain import as_text  # noqa: PLC0415 - as above
    from sidecar.audits.explain import explain as ask  # noqa: PLC0415
    from waitroom.upstreams.connect import Connector  # noqa: PLC0415

    found = ask(settings, registry, Connector(), host, datetime.now(UTC))
    click.echo(as_text(found) if form == "text" else msgspec.json.encode(found))


@cli.command(epilog=EXIT_STATUSES)
@click.option("--host", help="Only this host, by any of its names.")
@click.option("--since", help="7d, 12h, 2026-01-31 or 2026-01-31T12:00:00Z; default: all there is.")
@click.option("--until", help="In the same form; default: now.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    type=click.Choice([str(kind) for kind in Kind]),  # by their values, not their names
    help="List events of this kind, such as woken or stop_failed. May be repeated.",
)
@click.option("--events", is_flag=True, help="List all events instead of sums.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table",
    show_default=True, help="For people, or for programs.",
)  # fmt: skip
def audit(
    host: str | None,
    since: str | None,
    until: str | None,
    kinds: tuple[str, ...],
    events: bool,  # noqa: FBT001 - click hands it over by name
    form: str,
) -> None:
    """Sum up how long hosts were awake and asleep, and what that saved.

    Or list what happened (--events, --kind). Spans are seconds in JSON and CSV; times are UTC. It
    only reads, with or without a running sidecar. If a file is damaged, it names the file, sums up
    the rest, and ends with exit status 1.
    """
    settings = Settings.from_environment(os.environ)
    from sidecar.audits.auditing import Question, answer  # noqa: PLC0415
    from waitroom.record.occurrence import microseconds  # noqa: PLC0415
    from waitroom.record.summary import Window  # noqa: PLC0415 - as above

    now = datetime.now(UTC)
    now_us = microseconds(now)
    since_us = _when("--since", since, now) if since else None
    until_us = _when("--until", until, now) if until else now_us
    if since_us and until and since_us >= until_us:
        raise click.BadParameter(f"{since!r} is not before {until!r}", param_hint="--since")
    # What is to come was not slept yet.
    window = Window(since_us=since_us, until_us=min(until_us, now_us), now_us=now_us)
    registry = functools.partial(config.load, settings.hosts, settings.containers)
    faults = answer(Question(window, host, kinds, events, form), settings.data, registry)
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    if faults:
        raise SystemExit(1)


@cli.command(epilog=EXIT_STATUSES)
def schema() -> None:
    """Print the JSON Schema of activity.json. The archive's files have the same form."""
    from sidecar.schema import schema as make  # noqa: PLC0415 - as above

    click.echo(make())


def _when(option: str, text: str, now: datetime) -> int:
    from sidecar.audits.auditing import when  # noqa: PLC0415 - as above

    try:
        return when(text, now)
    except (ValueError, OverflowError):
        fault = (
            "expected how long ago (7d, 12h, 1h30m), a day (2026-01-31) or a moment"
            f" (2026-01-31T12:00:00Z; without a zone it is UTC), got {text!r}"
        )
        raise click.BadParameter(fault, param_hint=option) from None


def _settings() -> Settings:
    settings = Settings.from_environment(os.environ)
    logs.set_up(json=settings.json_log)
    demand_folder("WAITROOM_DATA", settings.data)
    return settings
