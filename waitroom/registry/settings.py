"""The settings: what the environment says, read once by a command."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from waitroom.errors import ConfigError, did_you_mean
from waitroom.registry.places import app_url, is_place
from waitroom.registry.values import Network

_LAST_PORT = 65535
_MISSPELT = 0.85  # less alike are a service's port in Kubernetes and our HOSTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says; the defaults fit `python -m waitroom` beside a local Traefik."""

    hosts: Path  # WAITROOM_HOSTS: the registry
    data: Path  # WAITROOM_DATA: activity.json, journal.jsonl and the locks
    routes: Path  # WAITROOM_ROUTES: the folder that Traefik's file provider watches
    access_log: Path  # WAITROOM_ACCESS_LOG: Traefik's JSON access log
    traefik_urls: tuple[str, ...]  # WAITROOM_TRAEFIK_URL: the entry points that carry visitors
    url: str  # WAITROOM_URL: where Traefik reaches the public listener
    listen: str  # WAITROOM_LISTEN: HOST:PORT of the public listener
    admin_listen: str  # WAITROOM_ADMIN_LISTEN: HOST:PORT of the admin listener
    sidecar_listen: str  # WAITROOM_SIDECAR_LISTEN: HOST:PORT of the sidecar's /metrics; "" for none
    secret_file: Path  # WAITROOM_SECRET_FILE: signs wake tokens; made when absent
    trusted_proxies: tuple[Network, ...]  # WAITROOM_TRUSTED_PROXIES: whose X-Forwarded-For holds
    release_log: bool  # WAITROOM_RELEASE_LOG=on: give back the disk space of what was recorded
    json_log: bool  # WAITROOM_LOG=json
    docker_labels: bool  # WAITROOM_DOCKER_LABELS=on: containers announce themselves

    @property
    def containers(self) -> Path | None:
        """The file of the containers that announce themselves; None if they may not."""
        return self.data / "containers.json" if self.docker_labels else None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables. Raises: ConfigError that names the variable."""
        variables = _Variables(environ)
        data = _path(variables, "WAITROOM_DATA", Path("data"))
        listen = _address(variables, "WAITROOM_LISTEN", "0.0.0.0:8080")
        admin_listen = _address(variables, "WAITROOM_ADMIN_LISTEN", "127.0.0.1:8081")
        # The listeners are told apart by their ports, and the admin's is nobody else's to see.
        if _port(listen) == _port(admin_listen):
            raise ConfigError(
                f"WAITROOM_ADMIN_LISTEN: needs a port of its own; {admin_listen!r} has that of"
                f" WAITROOM_LISTEN, {listen!r}"
            )
        settings = cls(
            hosts=_path(variables, "WAITROOM_HOSTS", Path("hosts.yaml")),
            data=data,
            routes=_path(variables, "WAITROOM_ROUTES", data / "routes"),
            access_log=_path(variables, "WAITROOM_ACCESS_LOG", data / "access.log"),
            traefik_urls=_urls(variables, "WAITROOM_TRAEFIK_URL", "http://127.0.0.1:8000"),
            url=app_url(
                variables.get("WAITROOM_URL", "http://127.0.0.1:8080").strip(), "WAITROOM_URL"
            ),
            listen=listen,
            admin_listen=admin_listen,
            sidecar_listen=_optional_address(variables, "WAITROOM_SIDECAR_LISTEN"),
            secret_file=_path(variables, "WAITROOM_SECRET_FILE", data / "secret"),
            trusted_proxies=_networks(variables, "WAITROOM_TRUSTED_PROXIES", "127.0.0.0/8,::1"),
            release_log=_choice(variables, "WAITROOM_RELEASE_LOG", ("off", "on")) == "on",
            json_log=_choice(variables, "WAITROOM_LOG", ("text", "json")) == "json",
            docker_labels=_choice(variables, "WAITROOM_DOCKER_LABELS", ("off", "on")) == "on",
        )
        variables.demand_no_misspelt()
        return settings


class _Variables:
    """The environment, and what was asked of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._names: set[str] = set()

    def get(self, name: str, default: str) -> str:
        """Return a variable's value. Raises: ConfigError."""
        self._names.add(name)
        value = self._environ.get(name, default)
        try:
            value.encode()
        except UnicodeEncodeError:  # no file of ours could name it
            raise ConfigError(f"{name}: holds bytes that are no UTF-8: {value!r}") from None
        return value

    def demand_no_misspelt(self) -> None:
        """Refuse a name that is nearly one of those: its value would be ignored in silence.

        Others are somebody else's: Kubernetes makes some for a service by the name of waitroom.
        Raises: ConfigError.
        """
        for name in sorted(self._environ.keys() - self._names):
            if not name.startswith("WAITROOM_"):
                continue
            near = did_you_mean(name, self._names, likeness=_MISSPELT)
            if near:
                raise ConfigError(f"{name}: there is no such variable{near}")


def _path(variables: _Variables, name: str, default: Path) -> Path:
    value = variables.get(name, str(default))
    if not value:
        raise ConfigError(f"{name}: is empty; leave it out for {default}, or name another")
    return Path(value)


def _urls(variables: _Variables, name: str, default: str) -> tuple[str, ...]:
    return tuple(app_url(part.strip(), name) for part in variables.get(name, default).split(","))


def _address(variables: _Variables, name: str, default: str) -> str:
    value = variables.get(name, default)
    host, _, port = value.rpartition(":")
    bare = host.strip("[]")
    is_host = is_place(bare) and host == (f"[{bare}]" if ":" in bare else bare)
    is_port = port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT
    if not (is_host and is_port):
        raise ConfigError(f"{name}: expected ADDRESS:PORT such as {default}, got {value!r}")
    return value


def _optional_address(variables: _Variables, name: str) -> str:
    """Read an address that need not be given."""
    return (
        _address(variables, name, "127.0.0.1:8083") if variables.get(name, "off") != "off" else ""
    )


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _networks(variables: _Variables, name: str, default: str) -> tuple[Network, ...]:
    value = variables.get(name, default)
    try:
        return tuple(
            ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()
        )
    except ValueError as error:
        raise ConfigError(f"{name}: {error}; expected networks such as 172.16.0.0/12,::1") from None


def _choice(variables: _Variables, name: str, choices: tuple[str, ...]) -> str:
    value = variables.get(name, choices[0])
    if value not in choices:
        raise ConfigError(f"{name}: expected {' or '.join(choices)}, got {value!r}")
    return value
