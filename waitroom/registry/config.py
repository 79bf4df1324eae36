"""hosts.yaml: read and checked, and read again whenever it is edited.

What containers announce by their labels stands beside it in a file too, see `containers`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from waitroom import strict_yaml
from waitroom.errors import ConfigError
from waitroom.registry import containers
from waitroom.registry.document import parse
from waitroom.registry.hosts import Registry
from waitroom.registry.refusals import Refusals
from waitroom.stamps import Stamp, stamp

log = logging.getLogger(__name__)

# Looked at, and not watched: the access log may be written in the same folder, and then each of its
# lines would be an event for us, which costs Traefik a tenth of what a request takes it.
_LOOK_S = 0.5
# What was written since then may be half an edit. By the file's own time, so that both processes
# agree: when a host is routed by the one, the other takes it in too.
_REST_S = 0.5


def load(path: Path, announced: Path | None = None) -> Registry:
    """Read and check hosts.yaml, and take in what containers announce besides.

    `announced`: their file, see `containers`. Raises: ConfigError, one line a fault of hosts.yaml.
    """
    return _load(path, announced)[1]


def _load(path: Path, announced: Path | None, known: object = None) -> tuple[object, Registry]:
    """Return what the file says, unless that is known already, and the registry that it makes."""
    try:
        document = known or _read(path)
        found = containers.read(announced) if announced else ()
        return document, parse(document, path.parent, found)
    except ConfigError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(error).split("\n"))) from None


def _read(path: Path) -> object:
    """Decode a file. Raises: ConfigError, without the path."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError("is a pipe or a device, not a file")  # which may have no end
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError("there is no such file; WAITROOM_HOSTS names another") from None
    except IsADirectoryError:
        fault = "is a folder, not a file; Docker makes one where a file that it mounts is missing"
        raise ConfigError(fault) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"can't be read: byte {error.start + 1} is no UTF-8; save it so"
        ) from None
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}; mend its owner or mode") from None
    return strict_yaml.read(text)


class RegistryFile:
    """The registry as the files say it now; a bad edit leaves the last good one in force."""

    def __init__(
        self,
        path: Path,
        announced: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load the files for the first time; `announced` as for `load`. Raises: ConfigError."""
        self._path = path
        self._announced = announced
        self._lock = threading.Lock()
        self._stamps = self._look()
        self._document, self.registry = _load(path, announced)
        self._refusals = Refusals(clock)

    def current(self) -> Registry:
        """Return the registry in force now."""
        return self.registry

    def reload(self) -> bool:
        """Look at the files; True if a new registry is in force. Logs a refused edit once."""
        self._refusals.look(self.registry.refused)
        stamps = self._look()
        if stamps == self._stamps or self._is_being_edited(stamps[0]):
            return False
        # One after the other: where an edit is refused, containers still come and go.
        edited = stamps[0] != self._stamps[0]
        self._stamps = (stamps[0], *self._stamps[1:]) if edited else stamps
        known = None if edited else self._document
        try:
            self._document, self.registry = _load(self._path, self._announced, known)
        except ConfigError as error:
            log.error(
                "an edit is refused, the old hosts stay in force until the file is saved again: %s",
                "; ".join(str(error).split("\n")),
            )
            return False
        log.info("hosts in force: %d", len(self.registry.hosts))
        return True

    def take_in(self, changed: Callable[[Registry], None]) -> None:
        """Call `changed` if a new registry is in force. Threads: any may call."""
        with self._lock:
            if self.reload():
                changed(self.registry)

    def _is_being_edited(self, seen: Stamp | None) -> bool:
        if seen is None or seen == self._stamps[0]:
            return False
        return 0 <= time.time() - seen.modified_ns / 1e9 < _REST_S

    def _look(self) -> tuple[Stamp | None, ...]:
        return tuple(stamp(path) for path in (self._path, self._announced) if path)

    def watch(self, changed: Callable[[Registry], None], ended: threading.Event) -> None:
        """Call `changed` after each good edit until `ended`; blocks, so give it a thread."""
        while not ended.wait(_LOOK_S):
            try:
                self.take_in(changed)
            except Exception:
                log.exception("an edit of hosts.yaml was not taken in; this is a fault of ours")
