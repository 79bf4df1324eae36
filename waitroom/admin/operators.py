"""Who may do what on the admin listener: names with a role and a token, of which a hash is kept.

operators.json is replaced whole and read at each question, so that an operator who is added or
removed by the command is so at once, for the process that serves, too.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from waitroom.errors import WaitroomError
from waitroom.registry.values import Digest

log = logging.getLogger(__name__)

_NAME = re.compile(r"[\w.@+-]{1,64}")
NAMES = "1 to 64 letters, digits and . @ + - _ make one"
_FIRST = "admin"


class Role(enum.StrEnum):
    """What somebody who is logged in may do."""

    OPERATOR = "operator"  # see, and act
    READER = "reader"  # see


class Operator(Struct, frozen=True):
    """One of them, as it stands in the file."""

    name: Annotated[str, Meta(pattern=rf"^{_NAME.pattern}\Z")]
    role: Role
    hash: Digest  # of the token, which is random and long: nothing slower is needed


class Operators:
    """All who have a token."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> None:
        """Make the first operator on the first start, and show his token once, in the log."""
        if self.path.exists():
            if fault := self.fault():
                log.error("%s", fault)
            return
        try:
            token = self.add(_FIRST, Role.OPERATOR)
        except WaitroomError as error:  # visitors are served all the same
            log.error("%s", error)
        else:
            log.info("the admin listener's first login, shown only now: %s", token)

    def fault(self) -> str | None:
        """Return why nobody can log in, if that is so."""
        try:
            self.all()
        except WaitroomError as error:
            return str(error)
        return None

    def add(self, name: str, role: Role) -> str:
        """Add one, or give him another token; return the token. Raises: WaitroomError."""
        if not is_name(name):
            raise WaitroomError(f"{name!r} is no name: {NAMES}")
        token = secrets.token_urlsafe(24)
        with self._alone():
            others = [known for known in self.all() if known.name != name]
            self._write([*others, Operator(name, role, _hash(token))])
        return token

    def remove(self, name: str) -> None:
        """Remove one, whose sessions end with that. Raises: WaitroomError."""
        with self._alone():
            known = self.all()
            left = [one for one in known if one.name != name]
            if len(left) == len(known):
                raise WaitroomError(f"there is no operator {name!r}; `operator list` shows them")
            self._write(left)

    def all(self) -> list[Operator]:
        """Return all of them. Raises: WaitroomError."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=list[Operator])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise WaitroomError(
                f"{self.path}: can't be read, so nobody can log in: {error}; mend it, or move it"
                " away: `python -m waitroom operator add NAME` begins a new one"
            ) from error

    def find(self, token: str) -> Operator | None:
        """Return whose token this is."""
        sought = _hash(token)
        found = [known for known in self.all() if hmac.compare_digest(known.hash, sought)]
        return found[0] if found else None

    def still(self, known: Operator) -> Operator | None:
        """Return who had this very token when his session began, if he has it still."""
        found = [one for one in self.all() if (one.name, one.hash) == (known.name, known.hash)]
        return found[0] if found else None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from writing in between. Raises: WaitroomError, also if we can't write."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)
        except OSError as error:
            raise WaitroomError(
                f"{self.path}: can't be written ({error.strerror}), so nobody can be added or"
                " removed; mend its folder's owner or mode, or name another (WAITROOM_DATA)"
            ) from error

    def _write(self, operators: list[Operator]) -> None:
        beside = self.path.with_suffix(".tmp")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            # Root may have added one; the waiting room, whose folder it is, must read it.
            folder = self.path.parent.stat()
            with contextlib.suppress(PermissionError):
                os.fchown(handle, folder.st_uid, folder.st_gid)
            file.write(msgspec.json.encode(operators))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)


def is_name(name: str) -> bool:
    """Whether somebody can be called so."""
    return _NAME.fullmatch(name) is not None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
