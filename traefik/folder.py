"""The folder that Traefik's file provider watches: the only lock and the only switch we have.

A host sleeps while its shadow file exists. Files appear whole (written aside, synced, renamed)
and vanish by unlink; of a rename and an unlink of one name exactly one succeeds, which is how the
sidecar (going to sleep) and the waiting room (calling it off) agree without speaking.

Every method raises OSError when the folder can't be used, or a file of ours would replace one
that somebody else has written.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from traefik import routes

_MARK = routes.MARK.encode()
_ASIDE = ".new"


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

    def drain(self, names: Sequence[str], proof: str, entry_points: Sequence[str] = ()) -> None:
        """Begin to lead a host's new requests to the waiting room.

        `proof`: a name that answers 418 from the moment on when that is so.
        `entry_points`: beside those that a router has by default.
        """
        text = routes.render_shadow(names, proof, entry_points)
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

    def mark_asleep(self, names: Sequence[str], entry_points: Sequence[str] = ()) -> None:
        """Shadow a host that was found stopped."""
        text = routes.render_shadow(names, entry_points=entry_points)
        self._write(self._shadow_path(names[0], Shadow.ASLEEP), text)

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
        refused: FileExistsError | None = None
        for names, url in hosts:
            kept.add(f"{names[0]}.yml")
            if url:
                try:
                    self.lead(names, url)
                except FileExistsError as error:
                    refused = refused or error
        self._unlink_ours(lambda path: path.name not in kept and not _is_shadow(path))
        if refused:
            raise refused

    def lead(self, names: Sequence[str], url: str) -> None:
        """Write a host's own route."""
        self._write(self.path / f"{names[0]}.yml", routes.render_host(names, url))

    def leads(self, names: Sequence[str], url: str) -> bool:
        """Whether a host's own route leads to this url."""
        text = routes.render_host(names, url)
        return _content(self.path / f"{names[0]}.yml") == text.encode()

    def forget(self, registered: Iterable[str]) -> None:
        """Remove the shadows of hosts that are not registered any more."""
        kept = {self._shadow_path(name, shadow) for name in registered for shadow in Shadow}
        self._unlink_ours(lambda path: _is_shadow(path) and path not in kept)

    @contextlib.contextmanager
    def proof(self, name: str) -> Iterator[None]:
        """Show for a while a router that answers 418, to see whether Traefik reads this folder."""
        path, aside = self.path / f"{name}.yml", self.path / _ASIDE
        is_ours = not aside.exists()
        self._write(path, routes.render_proof(name))
        try:
            yield
        finally:
            _unlink(path)
            if is_ours:  # made by root, perhaps: the waiting room could not write in it
                with contextlib.suppress(OSError):  # it is in use by now
                    aside.rmdir()

    def _unlink_ours(self, is_over: Callable[[Path], bool]) -> None:
        """Remove files that we wrote; others in this folder are none of our business."""
        for path in self.path.glob("*.yml"):
            if is_over(path) and _is_ours(path):  # in this order: to read 10,000 takes seconds
                _unlink(path)

    def _shadow_path(self, name: str, shadow: Shadow) -> Path:
        return self.path / f"{name}.{shadow}.yml"

    def _write(self, path: Path, text: str) -> None:
        known = _content(path)
        if known == text.encode():
            return  # a rename would make Traefik reload for nothing
        if known and not known.startswith(_MARK):
            reason = "is not ours; give it another name, or the host `route: own` if it leads there"
            raise FileExistsError(errno.EEXIST, reason, str(path))
        new = self._aside() / f"{path.name}.tmp"  # a name that the file provider passes over
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)

    def _aside(self) -> Path:
        """Return the folder in which files are written before they appear.

        Traefik reads all files anew at each event in the folder that it watches, and it does not
        watch this one: so a file is one event there, and not four.
        """
        aside = self.path / _ASIDE
        if not aside.is_dir():
            aside.mkdir(exist_ok=True)
            aside.chmod(self.path.stat().st_mode)  # whoever may write there may do so here
        return aside


def _content(path: Path) -> bytes:
    """Read a file that the other process may just have removed, or has not written yet."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _is_ours(path: Path) -> bool:
    try:
        return _content(path).startswith(_MARK)
    except (IsADirectoryError, PermissionError):  # what we wrote we may read
        return False


def _is_shadow(path: Path) -> bool:
    return path.stem.rpartition(".")[2] in tuple(Shadow)


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
