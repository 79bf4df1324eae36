"""Where settings come from: the environment (read once, by `__main__`) and the file hosts.yaml.

What containers announce by their labels stands beside hosts.yaml in a file too, see `containers`.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import watchfiles
import yaml

from waitroom import containers
from waitroom.document import parse
from waitroom.errors import ConfigError
from waitroom.hosts import Network, Registry

log = logging.getLogger(__name__)

# How often hosts.yaml is looked at even if no event came: a folder made anew sends none.
LOOK_S = 2
_LAST_PORT = 65535


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
        data = Path(environ.get("WAITROOM_DATA", "data"))
        listen = _address(environ, "WAITROOM_LISTEN", "0.0.0.0:8080")
        admin_listen = _address(environ, "WAITROOM_ADMIN_LISTEN", "127.0.0.1:8081")
        # The listeners are told apart by their ports, and the admin's is nobody else's to see.
        if _port(listen) == _port(admin_listen):
            raise ConfigError(
                f"WAITROOM_ADMIN_LISTEN: needs a port of its own; {admin_listen!r} has that of"
                f" WAITROOM_LISTEN, {listen!r}"
            )
        return cls(
            hosts=Path(environ.get("WAITROOM_HOSTS", "hosts.yaml")),
            data=data,
            routes=Path(environ.get("WAITROOM_ROUTES", data / "routes")),
            access_log=Path(environ.get("WAITROOM_ACCESS_LOG", data / "access.log")),
            traefik_urls=_urls(environ, "WAITROOM_TRAEFIK_URL", "http://127.0.0.1:8000"),
            url=_url(environ, "WAITROOM_URL", "http://127.0.0.1:8080"),
            listen=listen,
            admin_listen=admin_listen,
            sidecar_listen=_optional_address(environ, "WAITROOM_SIDECAR_LISTEN"),
            secret_file=Path(environ.get("WAITROOM_SECRET_FILE", data / "secret")),
            trusted_proxies=_networks(environ, "WAITROOM_TRUSTED_PROXIES", "127.0.0.0/8,::1"),
            release_log=_choice(environ, "WAITROOM_RELEASE_LOG", ("off", "on")) == "on",
            json_log=_choice(environ, "WAITROOM_LOG", ("text", "json")) == "json",
            docker_labels=_choice(environ, "WAITROOM_DOCKER_LABELS", ("off", "on")) == "on",
        )


def _url(environ: Mapping[str, str], name: str, default: str) -> str:
    return _one_url(name, environ.get(name, default))


def _urls(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    return tuple(_one_url(name, part) for part in environ.get(name, default).split(","))


def _one_url(name: str, value: str) -> str:
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ConfigError(f"{name}: expected http://HOST:PORT, got {value!r}")
    return url


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, default)
    host, _, port = value.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        raise ConfigError(f"{name}: expected ADDRESS:PORT such as {default}, got {value!r}")
    return value


def _optional_address(environ: Mapping[str, str], name: str) -> str:
    """Read an address that need not be given."""
    return _address(environ, name, "127.0.0.1:8083") if environ.get(name, "off") != "off" else ""


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _networks(environ: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    value = environ.get(name, default)
    try:
        return tuple(
            ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()
        )
    except ValueError as error:
        raise ConfigError(f"{name}: {error}; expected networks such as 172.16.0.0/12,::1") from None


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environ.get(name, choices[0])
    if value not in choices:
        raise ConfigError(f"{name}: expected {' or '.join(choices)}, got {value!r}")
    return value


def load(path: Path, announced: Path | None = None) -> Registry:
    """Read and check hosts.yaml, and take in what containers announce besides.

    `announced`: their file, see `containers`. Raises: ConfigError, one line a fault of hosts.yaml.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; WAITROOM_HOSTS names another") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader that also refuses double keys
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    except (ValueError, RecursionError) as error:  # an impossible date, a nest without end
        raise ConfigError(f"{path}: is not YAML that we can read: {error}") from None
    return parse(document, path.parent, containers.read(announced) if announced else ())


class _StrictLoader(yaml.SafeLoader):
    """YAML as everybody reads it, but a key given twice is a fault, not the last one's victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a name, not a list or a mapping", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class RegistryFile:
    """The registry as the files say it now; a bad edit leaves the last good one in force."""

    def __init__(self, path: Path, announced: Path | None = None) -> None:
        """Load the files for the first time; `announced` as for `load`. Raises: ConfigError."""
        self._path = path
        self._announced = announced
        self._lock = threading.Lock()
        self._stamps = self._look()
        self.registry = load(path, announced)
        self._say_refused(())

    def current(self) -> Registry:
        """Return the registry in force now."""
        return self.registry

    def reload(self) -> bool:
        """Look at the files; True if a new registry is in force. Logs a refused edit once."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        refused = self.registry.refused
        try:
            self.registry = load(self._path, self._announced)
        except ConfigError as error:
            log.error(
                "hosts.yaml was edited and is refused, the old one goes on: %s",
                "; ".join(str(error).split("\n")),
            )
            return False
        log.info("%d hosts in force", len(self.registry.hosts))
        self._say_refused(refused)
        return True

    def take_in(self, changed: Callable[[Registry], None]) -> None:
        """Call `changed` if a new registry is in force. Threads: any may call."""
        with self._lock:
            if self.reload():
                changed(self.registry)

    def _look(self) -> tuple[_Stamp, ...]:
        return tuple(_stamp(path) for path in (self._path, self._announced) if path)

    def _say_refused(self, before: tuple[str, ...]) -> None:
        for line in self.registry.refused:
            if line not in before:
                log.error("%s", line)

    def watch(self, changed: Callable[[Registry], None], ended: threading.Event) -> None:
        """Call `changed` after each good edit until `ended`; blocks, so give it a thread.

        The folder is watched, not the file: editors replace files, and a watch on the old inode
        would see nothing again.
        """
        while not ended.is_set():
            try:
                for _ in watchfiles.watch(
                    self._path.parent, recursive=False, stop_event=ended, yield_on_timeout=True,
                    rust_timeout=LOOK_S * 1000, raise_interrupt=False, debounce=100,
                ):  # fmt: skip
                    self.take_in(changed)
            except (OSError, RuntimeError) as error:
                log.warning("hosts.yaml can't be watched, trying again: %s", error)
                ended.wait(LOOK_S)
            except Exception:
                log.exception("an edit of hosts.yaml was not taken in; this is a fault of ours")
                ended.wait(LOOK_S)


_Stamp = tuple[int, int, int] | None


def _stamp(path: Path) -> _Stamp:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
