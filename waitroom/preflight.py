"""What a process demands before it begins, so that what is wrong is one line with its variable."""

from __future__ import annotations

import socket
from pathlib import Path

from waitroom.errors import ConfigError


def demand_folder(variable: str, path: Path) -> None:
    """Make a folder if need be. That it can't be written now keeps nobody from starting.

    Raises: ConfigError.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fault = f"{variable}: the folder {path} can't be made: {error.strerror}"
        raise ConfigError(fault) from None


def demand_address(variable: str, address: str) -> None:
    """See that ADDRESS:PORT is ours to listen at. Raises: ConfigError."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
            ours.bind((host.strip("[]"), int(port)))
    except OSError as error:
        raise ConfigError(
            f"{variable}: can't listen at {address} ({error.strerror}); end what listens there,"
            " or name another address"
        ) from None
