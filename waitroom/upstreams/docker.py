"""Containers, through the Docker engine's API.

The library's errors end here: each becomes an UpstreamError with a reason that a person can act
on. The client is shared by all containers and safe to use from several threads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import docker
import docker.errors
import requests

from waitroom.errors import Reason, UpstreamError
from waitroom.registry.values import Sleep
from waitroom.upstreams.base import Phase, Status, Upstream

# Every value of State.Status in the engine's API (v1.24 to v1.48).
PHASES = {
    "created": Phase.STOPPED,
    "running": Phase.RUNNING,
    "paused": Phase.STOPPED,  # frozen: it costs memory only, and `start` thaws it
    "restarting": Phase.RESTARTING,
    "removing": Phase.STOPPING,
    "exited": Phase.STOPPED,
    "dead": Phase.STOPPED,
}

# An engine that takes longer for an answer is as good as gone; a stop may use its grace besides.
_CALL_TIMEOUT_S = 20
# The longest grace that we wait for in one call, and that the socket proxy admits.
_LONGEST_GRACE_S = 999
_NEVER_STARTED = "0001-01-01"


def client() -> docker.DockerClient:
    """Make a client from the environment (DOCKER_HOST, …); asks the engine for its API version."""
    try:
        return docker.DockerClient.from_env(timeout=_CALL_TIMEOUT_S)
    except ValueError as error:  # an address that is none
        raise UpstreamError(Reason.UNREACHABLE, f"DOCKER_HOST: {error}; mend it") from error


class Container(Upstream):
    """One container by its name."""

    def __init__(self, connect: Callable[[], docker.DockerClient], name: str, sleep: Sleep) -> None:
        self._connect = connect
        self.name = name
        self._what = f"container {name!r}"
        self._sleep = sleep

    def status(self) -> Status:
        """Inspect the container."""
        return self.read(self.inspect())

    def read(self, found: dict[str, Any]) -> Status:
        """Return the status that an inspection has found."""
        state = found["State"]
        word = str(state.get("Status", ""))
        phase = PHASES.get(word)
        if phase is None:
            raise UpstreamError(
                Reason.UNREACHABLE, f"container {self.name!r} is in the unknown state {word!r}"
            )
        if phase is Phase.RESTARTING:
            word += f" after exit status {state.get('ExitCode')}"
        started_at = _started_at(found) if phase is Phase.RUNNING else None
        return Status(phase, started_at, word, trouble=self._trouble(state))

    def _trouble(self, state: dict[str, Any]) -> str:
        if state.get("Health", {}).get("Status") != "unhealthy" or not state.get("Running"):
            return ""
        return (
            f"{self._what} is unhealthy, and Traefik leads nobody to such a one by its labels; see"
            " its health check"
        )

    def start(self) -> None:
        """Start the container, or thaw it when it was paused."""

        def start(api: docker.APIClient, found: dict[str, Any]) -> None:
            if found["State"].get("Status") == "paused":
                api.unpause(self.name)
            else:
                api.start(self.name)

        self._order(start)

    def stop(self) -> None:
        """Stop or pause the container; a stop ends within the container's own grace."""

        def stop(api: docker.APIClient, found: dict[str, Any]) -> None:
            status = found["State"].get("Status")
            if self._sleep is Sleep.STOP or status == "restarting":  # which can't be paused
                # The engine says `running` up to the end, so the end is waited for: nobody must be
                # sent to an app that saves its data and goes. Later than that, `status` tells.
                with contextlib.suppress(requests.ReadTimeout):
                    api.stop(self.name, timeout=_grace_s(found))
            elif status == "running":  # pausing twice would be an error
                api.pause(self.name)

        self._order(stop)

    def _order(self, order: Callable[[docker.APIClient, dict[str, Any]], None]) -> None:
        """Order what fits its state; once more where somebody has changed that since the look."""
        found = self.inspect()
        with asking(self._what):
            api = self._connect().api
            try:
                order(api, found)
            except docker.errors.APIError:
                now = self.inspect()
                if now["State"].get("Status") == found["State"].get("Status"):
                    raise
                order(api, now)

    def inspect(self) -> dict[str, Any]:
        """Ask the engine for all that it knows of the container."""
        with asking(self._what):
            found: dict[str, Any] = self._connect().api.inspect_container(self.name)
        return found


def _grace_s(found: dict[str, Any]) -> int | None:
    """Return the container's own grace, None for the engine's default.

    It would hold without being said, but the library waits as long only for what it is told.
    """
    grace_s: int | None = found.get("Config", {}).get("StopTimeout")
    return grace_s if grace_s is not None and 0 <= grace_s <= _LONGEST_GRACE_S else None


def _started_at(found: dict[str, Any]) -> datetime | None:
    """Return when somebody started it; None where its restart policy did so since.

    That is nobody's use of it, and would keep one that ends every minute awake for ever.
    """
    text = str(found["State"].get("StartedAt", ""))
    if found.get("RestartCount") or not text or text.startswith(_NEVER_STARTED):
        return None
    return datetime.fromisoformat(text).astimezone(UTC)  # 2026-11-22T10:00:00.123456789Z


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn every way in which the engine can say no into our own words."""
    try:
        yield
    except docker.errors.NotFound:
        text = f"there is no {what}; create it, or mend its name in hosts.yaml"
        raise UpstreamError(Reason.MISSING, text) from None
    except docker.errors.APIError as error:
        if error.status_code == requests.codes.forbidden:
            text = f"the Docker socket proxy does not admit this for {what}"
            raise UpstreamError(Reason.PERMISSION, text) from None
        down = error.status_code in (502, 503, 504)  # of a socket proxy whose engine is gone
        reason = Reason.UNREACHABLE if down else Reason.FAILED
        text = f"Docker, on {what}: {error.explanation or error}"
        raise UpstreamError(reason, " ".join(text.split())) from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise _unreachable(error) from error
    except (KeyError, TypeError) as error:  # as the library meets JSON of a proxy's own
        text = "Docker does not answer (DOCKER_HOST): what came is not its answer, but a proxy's"
        raise UpstreamError(Reason.UNREACHABLE, text) from error


def _unreachable(error: Exception) -> UpstreamError:
    """Tell a socket without permission from an engine that is not there (both wrapped deeply)."""
    chain = list(_causes(error))
    if any(
        isinstance(cause, PermissionError) or "PermissionError" in repr(cause) for cause in chain
    ):
        text = "the Docker socket may not be opened; is the user in its group? (DOCKER_HOST)"
        return UpstreamError(Reason.PERMISSION, text)
    told = [cause.strerror for cause in chain if isinstance(cause, OSError) and cause.strerror]
    why = told[-1] if told else error  # the innermost is the system's own word
    text = f"Docker does not answer (DOCKER_HOST): {why}; start it, or mount its socket here"
    return UpstreamError(Reason.UNREACHABLE, text)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
