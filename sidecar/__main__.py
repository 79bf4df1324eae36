"""The sidecar's commands: run (the default) and ingest."""

from __future__ import annotations

import os
import signal

import click

from waitroom import config, logs
from waitroom.command_line import run_command
from waitroom.config import Settings


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def cli(context: click.Context) -> None:
    """Record who uses which host, and put idle upstreams to sleep. Without a command: run.

    Everything is set by environment variables (WAITROOM_HOSTS, WAITROOM_DATA, ...); the README
    lists them all.
    """
    if context.invoked_subcommand is None:
        run()


def run() -> None:
    """Watch until SIGTERM."""
    settings = _settings()
    from sidecar.daemon import Daemon  # noqa: PLC0415 - ingest needs no provider and no schedule

    daemon = Daemon(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.end())
    daemon.run()


@cli.command()
def ingest() -> None:
    """Read all that is in the logs now, commit it, and exit."""
    settings = _settings()
    from sidecar.ingest import ingest as read_all  # noqa: PLC0415 - as above
    from sidecar.recorder import Recorder  # noqa: PLC0415

    recorder = Recorder(
        data=settings.data,
        access_log=settings.access_log,
        registry=config.load(settings.hosts),
        on_canary=lambda _: None,
    )
    try:
        read_all(recorder)
    finally:
        recorder.close()


def _settings() -> Settings:
    settings = Settings.from_environment(os.environ)
    logs.set_up(json=settings.json_log)
    settings.data.mkdir(parents=True, exist_ok=True)
    return settings


if __name__ == "__main__":
    run_command(cli)
