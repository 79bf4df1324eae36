"""The door: what the request at hand may do about waking its host, and what it has to show for it.

It joins what is asked with the pure rules of the gate, and has all that is remembered of visitors:
used challenges for minutes, who stepped into a trap for an hour, in memory only. For use inside
Flask's request.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from waitroom.gate import gate, traps
from waitroom.gate.agents import Agent, kind
from waitroom.gate.challenges import Challenge, ChallengeError, Challenges
from waitroom.gate.game import Game, Games
from waitroom.gate.gate import Admission, Caller, Trust
from waitroom.gate.proof_of_work import ProofOfWork
from waitroom.gate.traps import Traps
from waitroom.gate.visitors import Pseudonyms
from waitroom.public import asked
from waitroom.registry.hosts import Host
from waitroom.registry.values import Network
from waitroom.view import Refusal, Refused
from waitroom.waking.budgets import Claim, Proof

log = logging.getLogger(__name__)

# How long somebody waits for a wake who can't do the work. The page's button appears so late; who
# asks sooner all the same is held until then, if few are.
DELAY_S = 3.0
_HELD_AT_ONCE = 8
# What a script sends that would rather work.
_QUESTION = "?"


class ProofWanted(Exception):  # noqa: N818 - what is the matter, as everywhere
    """The challenge is good, and nothing was done for it yet."""

    def __init__(self, work: dict[str, object], wait_s: float) -> None:
        super().__init__("do the work, or come back in a moment")
        self.work = work  # either this is done
        self.wait_s = wait_s  # or so long is waited


class Door:
    """Of all hosts. Threads: any may call."""

    def __init__(
        self,
        secret: bytes,
        trusted_proxies: Sequence[Network],
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.traps = Traps()
        self._challenges = Challenges(secret)
        self._games = Games(self._challenges)
        self._work = ProofOfWork()
        self._pseudonyms = Pseudonyms()
        self._trusted_proxies = trusted_proxies
        self._clock_s = clock_s
        self._sleep = sleep
        self._places = threading.BoundedSemaphore(_HELD_AT_ONCE)

    def admission(self, host: Host) -> Admission:
        """Tell what is between this request for any path of the host and its wake."""
        facts, trust = asked.facts(), self._trust(host)
        given = gate.admission(host.gate, gate.caller(facts), trust)
        if given is Admission.NOW and trust is not Trust.TOKEN and facts.is_forged:
            return Admission.FREE  # the page that he gets may ask for it
        return given

    def page_admission(self, host: Host) -> Admission:
        """Tell the same for a request of the page that was shown before; none posts elsewhere."""
        facts = asked.facts()
        foreign = facts.method == "POST" and facts.is_foreign
        nobody = foreign or kind(facts.agent) is Agent.MACHINE
        caller = Caller.NOBODY if nobody else Caller.PERSON
        return gate.admission(host.gate, caller, self._trust(host))

    def refusal(self, host: Host, admission: Admission) -> Refused | None:
        """Tell why this visitor gets no wake, whatever he does, if that is so."""
        now, trust = datetime.now(UTC), self._trust(host)
        if admission is Admission.CLOSED:
            return Refused(Refusal.CLOSED)
        opens = host.closed.until(now)
        if opens and trust is not Trust.TOKEN:
            return Refused(Refusal.HOURS, opens)
        left_s = self.traps.left_s(self._suspect(host), self._clock_s())
        if left_s and trust is Trust.NONE:
            return Refused(Refusal.BARRED, now + timedelta(seconds=left_s))
        return None

    def is_trapped(self, host: Host) -> bool:
        """Whether this request is one that no person makes; then its visitor is remembered."""
        if not host.traps or not traps.springs(asked.facts()):
            return False
        caught = self.traps.catch(self._suspect(host), self._clock_s())
        # The 1st, 2nd, 4th, 8th ... of all hosts: who comes by other names each time would fill the
        # log else.
        if caught.bit_count() == 1:
            log.info("%s: somebody stepped into a trap (%d so far, all hosts)", host.name, caught)
        return True

    def challenge(self, host: Host) -> str:
        """Hand out a challenge."""
        return self._challenges.issue(host.name, self._clock_s())

    def move(self, host: Host) -> Game:
        """Go on with the game that this request is a move of, or begin one."""
        answer = asked.answer()
        now_s = self._clock_s()
        return self._games.play(host.name, answer.token, answer.chosen, answer.square, now_s)

    def visitor(self, host: Host) -> str:
        """Return who asks, as a pseudonym."""
        return self._named(host.name)

    def claim(self, host: Host, admission: Admission) -> Claim:
        """Read the claim that this request brings.

        Raises: ChallengeError, ProofWanted.
        """
        if admission is Admission.NOW:
            return Claim(visitor=self.visitor(host), proof=Proof.TRUST)
        now_s, answer = self._clock_s(), asked.answer()
        challenge = self._challenges.read(answer.token, host.name, now_s)
        proof = self._proof(host, admission, challenge, answer)
        self._challenges.use_up(challenge, now_s)
        return Claim(visitor=self.visitor(host), proof=proof)

    def _proof(
        self, host: Host, admission: Admission, challenge: Challenge, answer: asked.Answer
    ) -> Proof:
        if admission is Admission.FREE:
            return Proof.TRUST
        if admission is Admission.CHESS:
            raise ChallengeError("this host wakes for a solved puzzle, see /.waitroom/chess")
        if challenge.puzzle is not None:  # which is handed out to programs, too
            raise ChallengeError("this token is for the board")
        if answer.work and answer.work != _QUESTION:
            if not self._work.is_done(challenge.nonce, answer.work):
                raise ChallengeError("this is not the work that was asked for")
            return Proof.WORK
        wait_s = max(0.0, challenge.issued_s + DELAY_S - self._clock_s())
        if answer.work or not self._held(wait_s):
            raise ProofWanted(self._work.ask(challenge.nonce, host.work), wait_s)
        return Proof.WAIT

    def _held(self, wait_s: float) -> bool:
        """Wait, if few others do."""
        if not wait_s:
            return True
        if not self._places.acquire(blocking=False):
            return False
        try:
            self._sleep(wait_s)
        finally:
            self._places.release()
        return True

    def _trust(self, host: Host) -> Trust:
        return gate.trust(host, asked.address(self._trusted_proxies), asked.bearer())

    def _suspect(self, host: Host) -> str:
        """Return a narrower pseudonym: behind one address there may be a whole office."""
        return self._named(f"{host.name} {asked.facts().agent}")

    def _named(self, what: str) -> str:
        address = asked.address(self._trusted_proxies)
        return self._pseudonyms.name(what, address, datetime.now(UTC).date())
