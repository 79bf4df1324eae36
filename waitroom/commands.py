"""The waiting room's commands: serve, check, token, demo, socket-proxy, migrate, the operator's."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

import click

from waitroom import logs
from waitroom.admin.operating import COMMANDS
from waitroom.admin.operators import Operators
from waitroom.command_line import EXIT_STATUSES, program
from waitroom.errors import ConfigError
from waitroom.preflight import demand_address, demand_folder
from waitroom.registry import config
from waitroom.registry.named import DockerUpstream
from waitroom.registry.settings import Settings
from waitroom.secret import load_secret

_Port = click.IntRange(1, 65535)


def serve() -> None:
    """Serve both listeners until SIGTERM."""
    settings = Settings.from_environment(os.environ)
    logs.set_up(json=settings.json_log)
    # What can be wrong is said here, in one line, and not by gunicorn or a worker of its.
    config.load(settings.hosts)
    demand_folder("WAITROOM_DATA", settings.data)
    demand_folder("WAITROOM_ROUTES", settings.routes)
    demand_address("WAITROOM_LISTEN", settings.listen)
    demand_address("WAITROOM_ADMIN_LISTEN", settings.admin_listen)
    secret = load_secret(settings.secret_file)
    from waitroom.server import Server  # noqa: PLC0415 - check and demo need no server

    Server(settings, secret).run()


cli = program("Wake sleeping apps for their visitors.", serve)


@cli.command(epilog=EXIT_STATUSES)
def check() -> None:
    """Check the configuration and all it refers to. Prints one line for each fault.

    Checks hosts.yaml, containers, VMs, folders, and whether Traefik writes the log and reads the
    routes. Changes nothing, but writes a test file into the routes folder and removes it. Gives up
    after a few seconds on what does not answer. Exit status 1 if there is a fault.
    """
    settings = Settings.from_environment(os.environ)
    registry = config.load(settings.hosts, settings.containers)
    from waitroom.check import findings  # noqa: PLC0415 - only this command needs it
    from waitroom.upstreams.connect import Connector  # noqa: PLC0415

    found = [*registry.refused, *findings(settings, registry, Connector())]
    if fault := Operators(settings.data / "operators.json").fault():
        found.append(fault)
    for finding in found:
        click.echo(finding)
    if found:
        raise SystemExit(1)
    number = len(registry.hosts)
    click.echo(f"All is well: {number} host{'s' * (number != 1)}.")


@cli.command("socket-proxy", epilog=EXIT_STATUSES)
def print_socket_proxy() -> None:
    """Print a haproxy.cfg that guards Docker's socket.

    It admits what our two processes need, and no more: the containers of hosts.yaml by name, or any
    container with WAITROOM_DOCKER_LABELS=on.
    """
    settings = Settings.from_environment(os.environ)
    registry = config.load(settings.hosts)
    from waitroom.labels.socket_proxy import render  # noqa: PLC0415 - only this command needs it

    names = [
        name
        for host in registry.hosts.values()
        if isinstance(host.upstream, DockerUpstream)
        for name in host.upstream.containers
    ]
    click.echo(render(None if settings.docker_labels else sorted(names)), nl=False)


@cli.command(epilog=EXIT_STATUSES)
@click.argument("compose_file", type=click.File("rb"))
def migrate(compose_file: BinaryIO) -> None:
    """Print COMPOSE_FILE with its sablier.* labels as ours.

    `-` reads standard input. The file itself stays as it is. Standard error names what has no
    counterpart.
    """
    from waitroom.labels.migrate import migrate as translate  # noqa: PLC0415 - only this command needs it

    try:
        text, said = translate(compose_file.read().decode())
    except UnicodeDecodeError as error:
        fault = f"byte {error.start + 1} is no UTF-8; save it so"
        raise ConfigError(f"{compose_file.name}: {fault}") from None
    except ConfigError as error:
        raise ConfigError(f"{compose_file.name}: {error}") from None
    click.echo(text.encode(), nl=False)  # as bytes: its line breaks are those of the file
    for line in said:
        click.echo(line, err=True)


@cli.command(epilog=EXIT_STATUSES)
def token() -> None:
    """Make a token that wakes hosts, and its digest.

    The digest belongs into the `tokens` of those hosts in hosts.yaml. A client that sends the token
    as `Authorization: Bearer TOKEN` wakes them. waitroom does not keep the token.
    """
    made = secrets.token_urlsafe(32)
    click.echo(f"token:  {made}\ndigest: {hashlib.sha256(made.encode()).hexdigest()}")


@cli.command(epilog=EXIT_STATUSES)
@click.option("--port", default=8000, show_default=True, type=_Port, help="Where Traefik listens.")
@click.option(
    "--admin-port", default=8001, show_default=True, type=_Port, help="Where the dashboard is."
)
@click.option(
    "--idle-after",
    default="60s",
    show_default=True,
    metavar="SPAN",
    help="How long the app is unused before it sleeps: 20s, 5m, 1h30m.",
)
@click.option(
    "--data",
    default=".demo",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder for everything that it writes.",
)
def demo(port: int, admin_port: int, idle_after: str, data: Path) -> None:
    """Run everything here, without Docker, until Ctrl-C."""
    if port == admin_port:
        raise click.UsageError("--port and --admin-port need one each")
    from waitroom.demo.stack import run  # noqa: PLC0415 - only this command needs it

    run(port=port, admin_port=admin_port, idle_after=idle_after, data=data)


for command in COMMANDS:
    cli.add_command(command)
