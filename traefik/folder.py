"""The folder that Traefik's file provider watches: the only lock and the only switch we have.

A host sleeps while its shadow file exists. Files appear whole (written beside, synced, renamed)
and vanish by unlink; of a rename and an unlink of one name exactly one succeeds, which is how the
sidecar (going to sleep) and the waiting room (calling it off) agree without speaking.

Every method raises OSError when the folder can't be used.
"""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from traefik import routes


class Shadow(enum.StrEnum):
    """What stands between a host and its own router; the word is part of the file's name."""

    DRAINING = "draining"  # new requests go to the waiting room; a visit calls the sleep off
    ASLEEP = "asleep"


class RouteFolder:
    """The route files of all hosts. Names are canonical hostnames, safe as file names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def shadow(self, name: str) -> Shadow | None:
        """Return which shadow a host has now."""
        for shadow in (Shadow.ASLEEP, Shadow.DRAINING):
            if self._shadow_path(name, shadow).exists():
                return shadow
        return None

    def asleep_since(self, name: str) -> float | None:
        """Return when its sleep was decided or found (time.time()); None: it does not sleep."""
        try:
            return self._shadow_path(name, Shadow.ASLEEP).stat().st_mtime
        except FileNotFoundError:
            return None

    def age(self, name: str, seconds: float) -> None:
        """Let a sleep have been decided so much earlier."""
        path = self._shadow_path(name, Shadow.ASLEEP)
        at = path.stat().st_mtime - seconds
        os.utime(path, (at, at))

    def drain(self, names: Sequence[str], proof: str) -> None:
        """Begin to lead a host's new requests to the waiting room.

        `proof`: a name that answers 418 from the moment on when that is so.
        """
        text = routes.render_shadow(names, proof)
        self._write(self._shadow_path(names[0], Shadow.DRAINING), text)

    def call_off(self, name: str) -> bool:
        """End the draining; False if it had ended, or become sleep, before."""
        return _unlink(self._shadow_path(name, Shadow.DRAINING))

    def fall_asleep(self, name: str) -> bool:
        """Turn draining into sleep; False if a visitor called it off before."""
        try:
            self._shadow_path(name, Shadow.DRAINING).rename(self._shadow_path(name, Shadow.ASLEEP))
        except FileNotFoundError:
            return False
        return True

    def mark_asleep(self, names: Sequence[str]) -> None:
        """Shadow a host that was found stopped."""
        self._write(self._shadow_path(names[0], Shadow.ASLEEP), routes.render_shadow(names))

    def hand_over(self, name: str) -> bool:
        """Remove the shadow: the host's own router is in force again; False if there was none."""
        removed = [_unlink(self._shadow_path(name, shadow)) for shadow in Shadow]
        return any(removed)

    def publish(self, waitroom_url: str, hosts: Iterable[tuple[Sequence[str], str | None]]) -> None:
        """Write what all hosts share and each host's own route; remove files that nobody owns now.

        `hosts`: names and url of each host whose router is ours; without a url it is left as it
        is, see `lead`.
        """
        self._write(self.path / "_waitroom.yml", routes.render_base(waitroom_url))
        kept = {"_waitroom.yml"}
        for names, url in hosts:
            kept.add(f"{names[0]}.yml")
            if url:
                self.lead(names, url)
        for path in self._ours():
            if path.name not in kept and not _is_shadow(path):
                _unlink(path)

    def lead(self, names: Sequence[str], url: str) -> None:
        """Write a host's own route."""
        self._write(self.path / f"{names[0]}.yml", routes.render_host(names, url))

    def leads(self, names: Sequence[str], url: str) -> bool:
        """Whether a host's own route leads to this url."""
        return _has(self.path / f"{names[0]}.yml", routes.render_host(names, url))

    def forget(self, registered: Iterable[str]) -> None:
        """Remove the shadows of hosts that are not registered any more."""
        kept = {self._shadow_path(name, shadow) for name in registered for shadow in Shadow}
        for path in self._ours():
            if _is_shadow(path) and path not in kept:
                _unlink(path)

    @contextlib.contextmanager
    def proof(self, name: str) -> Iterator[None]:
        """Show for a while a router that answers 418, to see whether Traefik reads this folder."""
        path = self.path / f"{name}.yml"
        self._write(path, routes.render_proof(name))
        try:
            yield
        finally:
            _unlink(path)

    def _ours(self) -> list[Path]:
        """List the files that we wrote; others in this folder are none of our business."""
        mark = routes.MARK.encode()
        ours = []
        for path in self.path.glob("*.yml"):
            with contextlib.suppress(
                FileNotFoundError
            ):  # the other process may remove it meanwhile
                if path.read_bytes().startswith(mark):
                    ours.append(path)
        return ours

    def _shadow_path(self, name: str, shadow: Shadow) -> Path:
        return self.path / f"{name}.{shadow}.yml"

    def _write(self, path: Path, text: str) -> None:
        if _has(path, text):
            return  # a rename would make Traefik reload for nothing
        beside = path.with_name(f".{path.name}.tmp")  # a name that the file provider passes over
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)


def _has(path: Path, text: str) -> bool:
    try:
        return path.read_text("utf-8") == text
    except FileNotFoundError:
        return False


def _is_shadow(path: Path) -> bool:
    return path.stem.rpartition(".")[2] in tuple(Shadow)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
