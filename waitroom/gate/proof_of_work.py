"""Proof of work: a wake costs the one who asks for it some of his computer's time.

It is a price, not a wall: a person does not notice it, who wants a thousand wakes does. What really
bounds wakes is the budget. The work is altcha's: keys are derived from a nonce and a counter until
one is found that only we could know; it is signed, and bound to one challenge, from which it has
its host, its end and its single use. Nothing is stored.
"""

from __future__ import annotations

import secrets

from altcha import Payload, create_challenge, verify_solution

# Rounds of PBKDF2 a key: few enough that we make one in 1 ms, enough that a browser's cost for
# each call makes no difference.
_ROUNDS = 5_000
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


class ProofOfWork:
    """Asks for work and sees whether it was done. Threads: any may call."""

    def __init__(self) -> None:
        # New at each start, as is what signs the challenges.
        self._of_question, self._of_answer = secrets.token_bytes(32), secrets.token_bytes(32)

    def ask(self, nonce: str, keys: int) -> dict[str, object]:
        """Return work for a challenge's nonce, as altcha's worker takes it.

        `keys` is how many keys are to be derived at most; half of them at least.
        """
        return dict(
            create_challenge(
                "PBKDF2/SHA-256",
                _ROUNDS,
                counter=keys - secrets.randbelow(keys // 2 + 1),
                data={"for": nonce},
                hmac_secret=self._of_question,
                hmac_key_secret=self._of_answer,
            ).to_dict()
        )

    def is_done(self, nonce: str, answer: str) -> bool:
        """Whether this is the answer to work that we asked for with this nonce."""
        try:
            payload = Payload.from_base64(answer)
            ours = payload.challenge.parameters.data == {"for": nonce}
            return (
                ours
                and verify_solution(
                    payload, self._of_question, hmac_key_secret=self._of_answer
                ).verified
            )
        except _MALFORMED:
            return False
