"""The challenge: what a page hands out and a wake hands in, signed, for one host and one use.

It says who asked for what and when; how it is met is for others to say: by work that was done for
its nonce (`proof_of_work`), by the mating move of its puzzle (`chess`), or by nothing but waiting.
Nothing is stored for one that is handed out, nor for one that is refused.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer

LIFETIME_S = 600.0
TRIES = 3  # at one puzzle
# Used ones are remembered until they expire. Should they become more than this, all that were
# handed out so far are void, and every page gets itself a new one.
_MOST = 100_000


class ChallengeError(Exception):
    """A challenge that wakes nothing; the text says why, for the visitor's answer."""


class Challenge(msgspec.Struct, frozen=True):
    """What the signature vouches for."""

    host: str
    nonce: str
    issued_s: float  # by the caller's clock, which only goes forward
    puzzle: int | None = None  # its number, where a puzzle is to be solved
    tries: int = TRIES  # left at it, with this one


class Challenges:
    """Hands challenges out and takes each at most once. Threads: any may call."""

    def __init__(self, secret: bytes) -> None:
        # What was used is remembered in memory only. The salt is new at each start, so that
        # nothing from before a restart can be used a second time after it.
        self._signer = URLSafeSerializer(secret, salt=f"challenge-{secrets.token_hex(8)}")
        self._lock = threading.Lock()
        self._used: OrderedDict[str, float] = OrderedDict()  # nonce -> when it is forgotten
        self._void_before_s = 0.0

    def issue(
        self, host: str, now_s: float, *, puzzle: int | None = None, tries: int = TRIES
    ) -> str:
        """Make a challenge for this host."""
        nonce = secrets.token_urlsafe(12)
        challenge = Challenge(host, nonce, round(now_s, 3), puzzle, tries)
        return str(self._signer.dumps(msgspec.to_builtins(challenge)))

    def read(self, token: str, host: str, now_s: float) -> Challenge:
        """Read one that could still be used.

        Raises: ChallengeError for a wrong, foreign, expired or used one.
        """
        try:
            challenge = msgspec.convert(self._signer.loads(token), Challenge)
        except (BadSignature, msgspec.ValidationError):
            raise ChallengeError("this token is not one of ours; load the page again") from None
        if challenge.host != host:
            raise ChallengeError("this token is for another host")
        if now_s - challenge.issued_s > LIFETIME_S or challenge.issued_s < self._void_before_s:
            raise ChallengeError("this token has expired; load the page again")
        if challenge.nonce in self._used:
            raise ChallengeError("this token was used already; load the page again")
        return challenge

    def use_up(self, challenge: Challenge, now_s: float) -> None:
        """Take one that was read and met. Raises: ChallengeError if somebody was faster."""
        with self._lock:
            while self._used and next(iter(self._used.values())) <= now_s:
                self._used.popitem(last=False)
            if challenge.nonce in self._used:
                raise ChallengeError("this token was used already; load the page again")
            if len(self._used) >= _MOST:
                self._used.clear()
                self._void_before_s = now_s
            self._used[challenge.nonce] = now_s + LIFETIME_S
